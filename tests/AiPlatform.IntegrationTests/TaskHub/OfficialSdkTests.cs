using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.DurableTask.Entities;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Grpc;
using Microsoft.DurableTask.Worker.Grpc.Internal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Microsoft's .NET SDK, client and worker, runs on our hub unchanged.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class OfficialSdkTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly List<IHost> _workers = [];
    private HubHarness _hub = null!;
    private ServiceProvider _services = null!;

    private DurableTaskClient Client => _services.GetRequiredService<DurableTaskClient>();

    public async Task InitializeAsync()
    {
        _hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddDurableTaskClient(builder => builder.UseGrpc(Channel()).Configure(options => options.EnableEntitySupport = true));
        _services = services.BuildServiceProvider();
    }

    public async Task DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.StopAsync();
            worker.Dispose();
        }

        await _services.DisposeAsync();
        await _hub.DisposeAsync();
    }

    [Fact]
    public async Task Its_worker_gets_work_and_completes_it()
    {
        await StartWorkerAsync(Basics);
        Assert.Equal(6, (await RunAsync("Sequence", 1)).ReadOutputAs<int>());
        Assert.Equal(["\"AIP\"", "4"], (await RunAsync("Parent", "aip")).ReadOutputAs<string[]>()!);
        var failed = await RunAsync("Fails", null);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, failed.RuntimeStatus);
        Assert.Contains("broken", failed.FailureDetails!.ToString(), StringComparison.Ordinal);
        Assert.Null((await Client.GetInstancesAsync(failed.InstanceId))!.FailureDetails);
    }

    [Fact]
    public async Task A_turn_of_many_large_activities_is_completed_in_chunks()
    {
        var runs = new ConcurrentDictionary<int, int>();
        await StartWorkerAsync(
            tasks =>
            {
                tasks.AddActivityFunc<(int Number, string Text), int>("Large", (_, input) =>
                {
                    runs.AddOrUpdate(input.Number, 1, (_, count) => count + 1);
                    return input.Text.Length;
                });
                tasks.AddOrchestratorFunc<object?, int>("FanOut", async (context, _) =>
                {
                    var lengths = await Task.WhenAll(Enumerable.Range(0, 140)
                        .Select(number => context.CallActivityAsync<int>("Large", (number, new string('x', 30_000)))));
                    return lengths.Sum();
                });
            },
            grpc: options => options.CompleteOrchestrationWorkItemChunkSizeInBytes = GrpcDurableTaskWorkerOptions.MinCompleteOrchestrationWorkItemChunkSizeInBytes);
        var ended = await RunAsync("FanOut", null);
        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{ended.FailureDetails}");
        Assert.Equal((140, 140), (runs.Count, runs.Values.Sum()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Entities_are_signalled_called_and_locked_in_either_encoding(bool managed)
    {
        await StartWorkerAsync(
            tasks =>
            {
                tasks.AddEntity<Account>("account");
                tasks.AddOrchestratorFunc<object?, string>("Transfer", async (context, _) =>
                {
                    var (from, to) = (new EntityInstanceId("account", "from"), new EntityInstanceId("account", "to"));
                    await context.Entities.SignalEntityAsync(from, nameof(Account.Deposit), 100);
                    await using (await context.Entities.LockEntitiesAsync(from, to))
                    {
                        await context.Entities.CallEntityAsync<int>(from, nameof(Account.Deposit), -30);
                        await context.Entities.CallEntityAsync<int>(to, nameof(Account.Deposit), 30);
                    }

                    try
                    {
                        await context.Entities.CallEntityAsync<int>(to, nameof(Account.Break));
                        return "not broken";
                    }
                    catch (EntityOperationFailedException exception)
                    {
                        var balance = await context.Entities.CallEntityAsync<int>(from, nameof(Account.Deposit), 0);
                        return $"{balance}: {exception.FailureDetails.ErrorMessage}";
                    }
                });
            },
            grpc: options =>
            {
                if (managed)
                {
                    options.ConfigureForAzureManaged();
                }
            });
        var ended = await RunAsync("Transfer", null);
        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{ended.FailureDetails}");
        Assert.Equal("70: no such operation", ended.ReadOutputAs<string>());

        // The locks are free again, and clients see the state.
        Assert.Equal("70: no such operation", (await RunAsync("Transfer", null)).ReadOutputAs<string>()!.Replace("140", "70", StringComparison.Ordinal));
        var state = await Client.Entities.GetEntityAsync<int>(new EntityInstanceId("account", "to"), includeState: true);
        Assert.Equal(60, state!.State);
        var found = new List<string>();
        await foreach (var entity in Client.Entities.GetAllEntitiesAsync(new EntityQuery { InstanceIdStartsWith = "Account@t" }))
        {
            found.Add(entity.Id.Key);
        }

        Assert.Equal(["to"], found);
    }

    [Fact]
    public async Task Events_and_terminations_of_unknown_instances_are_dropped_and_known_ones_end()
    {
        await StartWorkerAsync(Basics);
        await Client.RaiseEventAsync("unknown", "go", 1);
        await Client.TerminateInstanceAsync("unknown");
        Assert.Null(await Client.GetInstancesAsync("unknown"));
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await Client.WaitForInstanceStartAsync(id);
        await Client.TerminateInstanceAsync(id, "enough");
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await EndAsync(id)).RuntimeStatus);
        var other = await Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await Client.RaiseEventAsync(other, "go", 7);
        Assert.Equal(7, (await EndAsync(other)).ReadOutputAs<int>());
    }

    [Fact]
    public async Task An_id_is_used_again_when_its_instance_has_ended_unless_the_policy_says_otherwise()
    {
        await StartWorkerAsync(Basics);
        var same = new StartOrchestrationOptions("same-id");
        await Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 1, same);
        Assert.Equal(6, (await EndAsync("same-id")).ReadOutputAs<int>());
        await Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 2, same);
        Assert.Equal(7, (await EndAsync("same-id")).ReadOutputAs<int>());
        await Assert.ThrowsAsync<global::DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException>(
            () => Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 3, same with { DedupeStatuses = Enum.GetNames<OrchestrationRuntimeStatus>() }));
    }

    [Fact]
    public async Task A_rolling_upgrade_loses_no_instance_of_the_new_version()
    {
        static void Register(DurableTaskRegistry tasks) => tasks.AddOrchestratorFunc<object?, string>("Versioned", (context, _) => Task.FromResult(context.Version));
        Action<DurableTaskWorkerOptions> Only(string version) => options => options.Versioning = new()
        {
            Version = version,
            MatchStrategy = DurableTaskWorkerOptions.VersionMatchStrategy.Strict,
            FailureStrategy = DurableTaskWorkerOptions.VersionFailureStrategy.Reject,
        };
        var old = await StartWorkerAsync(Register, Only("1.0"));
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Versioned", null, new StartOrchestrationOptions { Version = "2.0" });
        await Eventually.TrueAsync(
            async () => (await _hub.GetAsync("/metrics")).Split('\n').Any(line => line.StartsWith("taskhub_", StringComparison.Ordinal)
                && line.Contains("abandoned", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal)),
            "the old worker gave it back",
            TimeSpan.FromSeconds(30));
        await StartWorkerAsync(Register, Only("2.0"));
        Assert.Equal("2.0", (await EndAsync(id)).ReadOutputAs<string>());
        await old.StopAsync();
    }

    [Fact]
    public async Task A_client_without_the_key_is_refused()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddDurableTaskClient(builder => builder.UseGrpc(GrpcChannel.ForAddress($"http://127.0.0.1:{_hub.GrpcPort}")));
        await using var provider = services.BuildServiceProvider();
        var refused = await Assert.ThrowsAsync<RpcException>(() => provider.GetRequiredService<DurableTaskClient>().ScheduleNewOrchestrationInstanceAsync("Sequence"));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
    }

    private static void Basics(DurableTaskRegistry tasks)
    {
        tasks.AddActivityFunc<int, int>("PlusOne", (_, value) => value + 1);
        tasks.AddActivityFunc<string, string>("Upper", (_, text) => text.ToUpperInvariant());
        tasks.AddActivityFunc<object?, string>("Breaks", string (_, _) => throw new InvalidOperationException("broken"));
        tasks.AddOrchestratorFunc<int, int>("Sequence", async (context, value) =>
        {
            for (var i = 0; i < 5; i++)
            {
                value = await context.CallActivityAsync<int>("PlusOne", value);
            }

            return value;
        });
        tasks.AddOrchestratorFunc<string, string[]>("Parent", async (context, text) =>
        {
            var upper = await context.CallActivityAsync<string>("Upper", text);
            await context.CreateTimer(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            var child = await context.CallSubOrchestratorAsync<int>("Sequence", -1);
            return [$"\"{upper}\"", $"{child}"];
        });
        tasks.AddOrchestratorFunc<object?, int>("Waits", (context, _) => context.WaitForExternalEvent<int>("go"));
        tasks.AddOrchestratorFunc<object?, string>("Fails", (context, _) => context.CallActivityAsync<string>("Breaks"));
    }

    private GrpcChannel Channel() => RawWorker.Channel(_hub.GrpcPort);

    private async Task<IHost> StartWorkerAsync(
        Action<DurableTaskRegistry> tasks, Action<DurableTaskWorkerOptions>? configure = null, Action<GrpcDurableTaskWorkerOptions>? grpc = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddDurableTaskWorker(worker => worker
            .AddTasks(tasks)
            .Configure(options =>
            {
                options.EnableEntitySupport = true;
                configure?.Invoke(options);
            })
            .UseGrpc(options =>
            {
                options.Channel = Channel();
                grpc?.Invoke(options);
            }));
        var host = builder.Build();
        await host.StartAsync();
        _workers.Add(host);
        return host;
    }

    private async Task<OrchestrationMetadata> RunAsync(string name, object? input)
        => await EndAsync(await Client.ScheduleNewOrchestrationInstanceAsync(name, input));

    private async Task<OrchestrationMetadata> EndAsync(string id)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        try
        {
            return await Client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, deadline.Token);
        }
        catch (OperationCanceledException exception)
        {
            var history = string.Join('\n', (await _hub.HistoryAsync(id)).Select(item => $"{item}"));
            throw new TimeoutException($"{id} has not ended. {await _hub.GetAsync("/stuck?olderThan=00:00:05")}\n{history}", exception);
        }
    }

    private sealed class Account : TaskEntity<int>
    {
        public int Deposit(int amount) => State += amount;

        public int Break() => State >= 0 ? throw new InvalidOperationException("no such operation") : State;
    }
}
