using AiPlatform.Hosting.TaskHubs;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.Bench.Measurements;

/// <summary>The worker process of the task hub's measurements: a sequence, a fan-out, one activity and a long history.</summary>
internal static class TaskHubWorker
{
    public static async Task<int> RunAsync(string connection)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        using var hub = new TaskHubConnection(connection, TimeProvider.System, TaskHubConnection.NewWorkerId());
        builder.Services.AddDurableTaskWorker(worker => worker
            .AddTasks(Register)
            .Configure(options =>
            {
                options.Concurrency.MaximumConcurrentActivityWorkItems = 1000;
                options.Concurrency.MaximumConcurrentOrchestrationWorkItems = 1000;
            })
            .UseGrpc(hub.Channel));
        using var host = builder.Build();
        await host.RunAsync();
        return 0;
    }

    /// <summary>The tasks that are measured.</summary>
    public static void Register(DurableTaskRegistry tasks) => tasks
        .AddActivityFunc<int, int>("PlusOne", (_, value) => value + 1)
        .AddOrchestratorFunc<int, int>("Sequence", async (context, count) =>
        {
            var value = 0;
            for (var index = 0; index < count; index++)
            {
                value = await context.CallActivityAsync<int>("PlusOne", value);
            }

            return value;
        })
        .AddOrchestratorFunc<int, int>("FanOut", async (context, count) =>
            (await Task.WhenAll(Enumerable.Range(0, count).Select(value => context.CallActivityAsync<int>("PlusOne", value)))).Length);
}
