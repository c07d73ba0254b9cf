using AiPlatform.Fuzz.Fuzzing;
using AiPlatform.Fuzz.Protocols;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.IntegrationTests.TaskHub;
using Dapper;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.IntegrationTests.Fuzz;

/// <summary>A short run of the fuzzer of the task hub, the same messages every time, and what it once found.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class HubFuzzTests(PostgresFixture postgres)
{
    private const int Calls = 3_000;

    [Fact]
    public async Task No_call_breaks_the_hub()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("fuzzed_hub"));
        using var channel = Channel(hub);
        var report = new FuzzReport();
        var fuzzer = new HubFuzzer(report, channel, "fuzz", HubHarness.AccessKey);
        await fuzzer.RunAsync(11, FuzzBudget.Of(Calls));
        await fuzzer.RequireServingAsync();
        Assert.True(report.Findings.Count == 0, $"{report.Explain()}\n{string.Join('\n', hub.Errors.Where(static line => !line.Contains("Grpc.AspNetCore", StringComparison.Ordinal)))}");
        Assert.InRange(report.Tried, Calls, Calls + 10);
        Assert.InRange(report.Outcome("hub StartInstance OK"), 10, Calls);
    }

    // What started found the hub before it was deleted: its rows had no place, and the engine stopped, for every hub.
    [Fact]
    public async Task A_task_hub_can_be_deleted_while_instances_and_entities_begin_in_it()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("deleted_hub"));
        using var channel = Channel(hub);
        var client = new TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
        var headers = new Metadata { { "taskhub", "short-lived" }, { "authorization", $"Bearer {HubHarness.AccessKey}" } };
        var engine = hub.Engine;
        var (started, refused) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            for (var i = 0; i < 60; i++)
            {
                try
                {
                    if (worker == 0)
                    {
                        await client.DeleteTaskHubAsync(new(), headers);
                    }
                    else if (worker % 2 == 0)
                    {
                        await client.SignalEntityAsync(new() { InstanceId = $"@counter@{worker}-{i}", Name = "add", RequestId = Guid.NewGuid().ToString() }, headers);
                    }
                    else
                    {
                        await client.StartInstanceAsync(new() { InstanceId = $"{worker}-{i}", Name = "Any" }, headers);
                        Interlocked.Increment(ref started);
                    }
                }
                catch (RpcException exception) when (exception.StatusCode == StatusCode.Aborted)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }));
        Assert.False(engine.Faulted.IsCompleted);
        Assert.Same(engine, hub.Engine);
        Assert.InRange(started, 60, 240);
        await client.StartInstanceAsync(new() { InstanceId = "last", Name = "Any" }, headers);
        Assert.True((await client.GetInstanceAsync(new() { InstanceId = "last" }, headers)).Exists);
    }

    // Once stored, such a time kept the whole hub from starting.
    [Fact]
    public async Task A_time_that_is_none_is_refused_and_what_is_stored_of_them_lets_the_hub_start()
    {
        var database = await postgres.CreateDatabaseAsync("timeless_hub");
        await using var hub = await HubHarness.StartAsync(database);
        using var channel = Channel(hub);
        var client = new TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
        var headers = new Metadata { { "taskhub", "times" }, { "authorization", $"Bearer {HubHarness.AccessKey}" } };
        foreach (var wrong in (Timestamp[])[new() { Seconds = long.MaxValue }, new() { Seconds = long.MinValue }, new() { Seconds = 1, Nanos = -1 }, new() { Seconds = 1, Nanos = int.MaxValue }])
        {
            var start = await Assert.ThrowsAsync<RpcException>(async () => await client.StartInstanceAsync(new() { InstanceId = "wrong", Name = "Any", ScheduledStartTimestamp = wrong }, headers));
            Assert.Equal(StatusCode.InvalidArgument, start.StatusCode);
            var signal = await Assert.ThrowsAsync<RpcException>(async () => await client.SignalEntityAsync(new() { InstanceId = "@counter@a", Name = "add", ScheduledTime = wrong }, headers));
            Assert.Equal(StatusCode.InvalidArgument, signal.StatusCode);
        }

        await client.StartInstanceAsync(new() { InstanceId = "later", Name = "Any", ScheduledStartTimestamp = Timestamp.FromDateTime(DateTime.UtcNow.AddDays(1)) }, headers);
        await hub.StopHubAsync();

        // As an earlier version would have stored it.
        await using (var connection = new Npgsql.NpgsqlConnection(database))
        {
            var state = OrchestrationState.Parser.ParseFrom(await connection.QuerySingleAsync<byte[]>("SELECT state FROM instances WHERE instance_id = 'later'"));
            state.ScheduledStartTimestamp = new() { Seconds = long.MaxValue };
            Assert.Equal(1, await connection.ExecuteAsync("UPDATE instances SET state = @state WHERE instance_id = 'later'", new { state = state.ToByteArray() }));
        }

        await hub.StartHubAsync();
        Assert.True((await client.GetInstanceAsync(new() { InstanceId = "later" }, headers)).Exists);
    }

    public static TheoryData<string> Impossible() => ["child", "event", "termination", "signal", "lock", "timer"];

    // Rows with such ids cannot be written: the writer stopped, and with it the engine of every hub, as often as the worker repeated its answer.
    [Theory]
    [MemberData(nameof(Impossible))]
    public async Task An_orchestrator_that_asks_for_what_cannot_be_fails_and_nothing_else_does(string kind)
    {
        const string Id = "a\0b";
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("impossible_hub"));
        using var channel = Channel(hub);
        var client = new TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
        var headers = new Metadata { { "taskhub", "impossible" }, { "authorization", $"Bearer {HubHarness.AccessKey}" } };
        var engine = hub.Engine;
        await client.StartInstanceAsync(new() { InstanceId = "parent", Name = "Any" }, headers);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var work = client.GetWorkItems(new() { MaxConcurrentOrchestrationWorkItems = 1 }, headers, cancellationToken: stop.Token);
        WorkItem item;
        do
        {
            Assert.True(await work.ResponseStream.MoveNext(stop.Token));
            item = work.ResponseStream.Current;
        }
        while (item.OrchestratorRequest is null);
        var action = new OrchestratorAction { Id = 1 };
        switch (kind)
        {
            case "child":
                action.CreateSubOrchestration = new() { InstanceId = Id, Name = "Any" };
                break;
            case "event":
                action.SendEvent = new() { Instance = new() { InstanceId = Id }, Name = "any" };
                break;
            case "termination":
                action.TerminateOrchestration = new() { InstanceId = Id };
                break;
            case "signal":
                action.SendEntityMessage = new() { EntityOperationSignaled = new() { TargetInstanceId = $"@counter@{Id}", Operation = "add", RequestId = "1" } };
                break;
            case "lock":
                action.SendEntityMessage = new() { EntityLockRequested = new() { CriticalSectionId = "1", LockSet = { "@counter@a", $"@counter@{Id}" } } };
                break;
            default:
                action.CreateTimer = new() { FireAt = new() { Seconds = long.MaxValue } };
                break;
        }

        await client.CompleteOrchestratorTaskAsync(new() { InstanceId = "parent", CompletionToken = item.CompletionToken, Actions = { action } }, headers);
        var end = await client.WaitForInstanceCompletionAsync(new() { InstanceId = "parent", GetInputsAndOutputs = true }, headers, cancellationToken: stop.Token);
        Assert.Equal((OrchestrationStatus.Failed, "UnsupportedAction"), (end.OrchestrationState.OrchestrationStatus, end.OrchestrationState.FailureDetails.ErrorType.Replace("UnsupportedEntityMessage", "UnsupportedAction", StringComparison.Ordinal)));
        Assert.Same(engine, hub.Engine);
        Assert.False(engine.Faulted.IsCompleted);
    }

    private static GrpcChannel Channel(HubHarness hub) => GrpcChannel.ForAddress($"http://127.0.0.1:{hub.GrpcPort}");
}
