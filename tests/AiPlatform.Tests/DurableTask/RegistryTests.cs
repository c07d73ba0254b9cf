using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Entities;
using AiPlatform.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Every form in which tasks and workers can be added.</summary>
public sealed class RegistryTests
{
    [Fact]
    public async Task Orchestrators_come_as_types_objects_and_functions_of_every_shape()
    {
        var seen = new List<string>();
        var registry = new DurableTaskRegistry()
            .AddOrchestrator(new Twice())
            .AddOrchestrator("object", new Twice())
            .AddOrchestrator("type", TypeOf<Twice>())
            .AddOrchestratorFunc<int, int>("at once", (_, value) => value * 2)
            .AddOrchestratorFunc<int>("no result", (TaskOrchestrationContext _, int value) =>
            {
                seen.Add($"{value}");
                return Task.CompletedTask;
            })
            .AddOrchestratorFunc("nothing", _ =>
            {
                seen.Add("nothing");
                return Task.CompletedTask;
            });
        foreach (var name in (string[])["Twice", "object", "type", "at once"])
        {
            Assert.Equal(14, await registry.Orchestrators[name](new ServiceCollection().BuildServiceProvider()).RunAsync(null!, 7));
        }

        Assert.Null(await registry.Orchestrators["no result"](null!).RunAsync(null!, 7));
        Assert.Null(await registry.Orchestrators["nothing"](null!).RunAsync(null!, null));
        Assert.Equal(["7", "nothing"], seen);
        Assert.Throws<ArgumentException>(() => registry.AddOrchestrator("wrong", typeof(Three)));
        Assert.Throws<ArgumentNullException>(() => registry.AddOrchestrator((ITaskOrchestrator)null!));
    }

    [Fact]
    public async Task Activities_and_entities_come_in_the_same_forms()
    {
        var seen = new List<string>();
        var registry = new DurableTaskRegistry()
            .AddActivity(new Three())
            .AddActivity("object", new Three())
            .AddActivity("type", TypeOf<Three>())
            .AddActivityFunc<int>("no input", _ => Task.FromResult(3))
            .AddActivityFunc<int>("no result", (TaskActivityContext _, int value) =>
            {
                seen.Add($"{value}");
                return Task.CompletedTask;
            })
            .AddActivityFunc("nothing", _ =>
            {
                seen.Add("nothing");
                return Task.CompletedTask;
            })
            .AddEntity(new Counter())
            .AddEntity("object", new Counter())
            .AddEntity("type", TypeOf<Counter>());
        foreach (var name in (string[])["Three", "object", "type", "no input"])
        {
            Assert.Equal(3, await registry.Activities[name](new ServiceCollection().BuildServiceProvider()).RunAsync(null!, name == "no input" ? null : "x"));
        }

        Assert.Null(await registry.Activities["no result"](null!).RunAsync(null!, 7));
        Assert.Null(await registry.Activities["nothing"](null!).RunAsync(null!, null));
        Assert.Equal(["7", "nothing"], seen);
        Assert.Equal(["Counter", "object", "type"], registry.Entities.Keys.Select(name => name.Name).Order());
    }

    [Fact]
    public void Workers_with_names_stand_beside_each_other()
    {
        const string Hub = "Endpoint=http://127.0.0.1:1;TaskHub=h;Authentication=None";
        var names = new List<string>();
        var services = new ServiceCollection()
            .AddDurableTaskWorker(worker => worker.UseDurableTaskScheduler(Hub))
            .AddDurableTaskWorker("second", worker =>
            {
                names.Add(worker.Name);
                worker.UseDurableTaskScheduler(Hub);
            });
        Assert.Equal(["second"], names);
        Assert.Equal(2, services.Count(service => service.ServiceType == typeof(IHostedService)));
    }

    // A type that is known only at run time: the form that libraries use.
    private static Type TypeOf<T>() => typeof(T);

    private sealed class Twice : TaskOrchestrator<int, int>
    {
        public override Task<int> RunAsync(TaskOrchestrationContext context, int input) => Task.FromResult(input * 2);
    }

    private sealed class Three : TaskActivity<string, int>
    {
        public override Task<int> RunAsync(TaskActivityContext context, string input) => Task.FromResult(3);
    }

    private sealed class Counter : TaskEntity<int>;
}
