using System.Globalization;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.IntegrationTests.Servers;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Entities by the protocol alone: a counter that adds, and orchestrators whose actions the tests write out.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class EntityTests(PostgresFixture postgres) : IAsyncLifetime, IAsyncDisposable
{
    private HubHarness _hub = null!;
    private RawWorker _worker = null!;

    private TaskHubSidecarService.TaskHubSidecarServiceClient Stub => field ??= RawWorker.Client(_hub.GrpcPort);

    public async Task InitializeAsync()
    {
        _hub = new HubHarness(await postgres.CreateDatabaseAsync("taskhub"));
        await _hub.StartHubAsync();
        _worker = RawWorker.Start(_hub.GrpcPort, AnswerAsync);
    }

    async Task IAsyncLifetime.DisposeAsync() => await DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await _worker.DisposeAsync();
        await _hub.DisposeAsync();
    }

    [Fact]
    public async Task Signals_are_carried_out_once_in_order_and_survive_a_restart()
    {
        for (var value = 1; value <= 20; value++)
        {
            await SignalAsync("@Counter@one", "add", value, requestId: $"00000000-0000-0000-0000-{value:d12}");
            await SignalAsync("@counter@one", "add", value, requestId: $"00000000-0000-0000-0000-{value:d12}");
        }

        await UntilStateAsync("@counter@one", "210");
        await _worker.DisposeAsync();
        await SignalAsync("@counter@one", "add", 5);
        await SignalAsync("@counter@one", "add", 7, DateTime.UtcNow.AddSeconds(0.5));
        Assert.Equal(2, (await Stub.GetEntityAsync(new() { InstanceId = "@counter@one" })).Entity.BacklogQueueSize);
        await _hub.StopHubAsync();
        await _hub.StartHubAsync();
        _worker = RawWorker.Start(_hub.GrpcPort, AnswerAsync);
        await UntilStateAsync("@counter@one", "222");
    }

    [Fact]
    public async Task A_call_is_answered_with_the_result_or_the_failure()
    {
        Assert.Equal("3", await RunAsync("Calls", "add 3"));
        Assert.Equal("failed: odd operation", await RunAsync("Calls", "odd 1"));
    }

    [Fact]
    public async Task Locks_are_exclusive_and_end_with_their_orchestration()
    {
        // Each reads, waits for an activity-like second call, and writes back: without the lock updates would be lost.
        var runs = Enumerable.Range(0, 8).Select(index => RunAsync("Transfers", "1")).ToArray();
        await Task.WhenAll(runs);
        await UntilStateAsync("@counter@from", "-8");
        await UntilStateAsync("@counter@to", "8");

        await StartAsync("Locks", "holder", "1");
        await Eventually.TrueAsync(async () => (await Stub.GetEntityAsync(new() { InstanceId = "@counter@to" })).Entity?.LockedBy == "holder", "the lock is held");
        await SignalAsync("@counter@to", "add", 1);
        await StartAsync("Locks", "waiter", "1");
        await Stub.TerminateInstanceAsync(new() { InstanceId = "waiter" });
        await Stub.TerminateInstanceAsync(new() { InstanceId = "holder" });
        await UntilStateAsync("@counter@to", "9");
        Assert.Null((await Stub.GetEntityAsync(new() { InstanceId = "@counter@to" })).Entity.LockedBy);
    }

    [Fact]
    public async Task An_entity_signals_another_and_starts_orchestrations()
    {
        await SignalAsync("@counter@source", "forward", 4);
        await UntilStateAsync("@counter@sink", "4");
        var started = await Stub.WaitForInstanceCompletionAsync(new() { InstanceId = "from-an-entity", GetInputsAndOutputs = true });
        Assert.Equal(OrchestrationStatus.Completed, started.OrchestrationState.OrchestrationStatus);
    }

    [Fact]
    public async Task Entities_are_listed_and_cleaned()
    {
        for (var index = 0; index < 5; index++)
        {
            await SignalAsync($"@counter@list{index}", "add", index + 1);
            await UntilStateAsync($"@counter@list{index}", $"{index + 1}");
        }

        await SignalAsync("@counter@list0", "delete", 0);
        await Eventually.TrueAsync(async () => !(await Stub.GetEntityAsync(new() { InstanceId = "@counter@list0" })).Exists, "the state is gone");
        var first = await Stub.QueryEntitiesAsync(new() { Query = new() { InstanceIdStartsWith = "@counter@list", PageSize = 3, IncludeState = true } });
        var second = await Stub.QueryEntitiesAsync(new() { Query = new() { InstanceIdStartsWith = "@counter@list", PageSize = 3, IncludeState = true, ContinuationToken = first.ContinuationToken } });
        Assert.Equal(["2", "3", "4", "5"], first.Entities.Concat(second.Entities).Select(entity => entity.SerializedState));
        Assert.Null(second.ContinuationToken);
        Assert.Equal(5, (await Stub.QueryEntitiesAsync(new() { Query = new() { IncludeTransient = true } })).Entities.Count);

        Assert.Equal(1, (await Stub.CleanEntityStorageAsync(new() { RemoveEmptyEntities = true, ReleaseOrphanedLocks = true })).EmptyEntitiesRemoved);
        Assert.Equal(4, (await Stub.QueryEntitiesAsync(new() { Query = new() { IncludeTransient = true } })).Entities.Count);
        var bad = await Assert.ThrowsAsync<RpcException>(async () => await Stub.SignalEntityAsync(new() { InstanceId = "counter", Name = "add" }));
        Assert.Equal(StatusCode.InvalidArgument, bad.StatusCode);
    }

    [Fact]
    public async Task Abandoned_batches_come_again_and_late_results_are_refused()
    {
        await _worker.DisposeAsync();
        var deliveries = 0;
        await using var worker = RawWorker.Start(_hub.GrpcPort, async (raw, item) =>
        {
            if (item.EntityRequestV2 is null)
            {
                return;
            }

            switch (++deliveries)
            {
                case 1:
                    await raw.Stub.AbandonTaskEntityWorkItemAsync(new() { CompletionToken = item.CompletionToken });
                    var late = await Assert.ThrowsAsync<RpcException>(async () => await raw.Stub.CompleteEntityTaskAsync(Counter(item)));
                    Assert.Equal(StatusCode.FailedPrecondition, late.StatusCode);
                    break;
                case 2:
                    await raw.Stub.CompleteEntityTaskAsync(new() { CompletionToken = item.CompletionToken, FailureDetails = new() { ErrorType = "x", ErrorMessage = "y" } });
                    break;
                default:
                    var result = Counter(item);
                    await raw.Stub.CompleteEntityTaskAsync(result);
                    await raw.Stub.CompleteEntityTaskAsync(result);
                    break;
            }
        });
        await SignalAsync("@counter@poison", "add", 2);
        await UntilStateAsync("@counter@poison", "2");
        Assert.Equal(3, deliveries);
    }

    internal static async Task AnswerAsync(RawWorker worker, WorkItem item)
    {
        if (item.EntityRequestV2 is not null)
        {
            await worker.Stub.CompleteEntityTaskAsync(Counter(item));
        }
        else if (item.OrchestratorRequest is { } turn)
        {
            await worker.Stub.CompleteOrchestratorTaskAsync(Orchestrate(turn, item.CompletionToken));
        }
    }

    private static EntityBatchResult Counter(WorkItem item)
    {
        var request = item.EntityRequestV2;
        var state = request.EntityState;
        var result = new EntityBatchResult { CompletionToken = item.CompletionToken };
        foreach (var operation in request.OperationRequests)
        {
            var (name, input) = operation.EntityOperationCalled is { } call ? (call.Operation, call.Input) : (operation.EntityOperationSignaled.Operation, operation.EntityOperationSignaled.Input);
            if (name == "odd")
            {
                result.Results.Add(new OperationResult { Failure = new() { FailureDetails = new() { ErrorType = "Odd", ErrorMessage = "odd operation" } } });
                continue;
            }

            var amount = int.Parse(input, CultureInfo.InvariantCulture);
            state = name == "delete" ? null : (int.Parse(state ?? "0", CultureInfo.InvariantCulture) + (name == "forward" ? 0 : amount)).ToString(CultureInfo.InvariantCulture);
            result.Results.Add(new OperationResult { Success = new() { Result = state } });
            if (name == "forward")
            {
                result.Actions.Add(new OperationAction { SendSignal = new() { InstanceId = "@counter@sink", Name = "add", Input = input } });
                result.Actions.Add(new OperationAction { StartNewOrchestration = new() { InstanceId = "from-an-entity", Name = "Calls", Input = "add 1" } });
            }
        }

        result.EntityState = state;
        return result;
    }

    /// <summary>The next step follows from how many answers and grants the history holds.</summary>
    private static OrchestratorResponse Orchestrate(OrchestratorRequest turn, string token)
    {
        var history = turn.PastEvents.Concat(turn.NewEvents).ToArray();
        var started = history.First(item => item.ExecutionStarted is not null).ExecutionStarted;
        var answers = history.Where(item => item.EntityOperationCompleted is not null || item.EntityOperationFailed is not null).ToArray();
        var granted = history.Any(item => item.EntityLockGranted is not null);
        var response = new OrchestratorResponse { InstanceId = turn.InstanceId, CompletionToken = token };
        var section = $"section-{turn.InstanceId}";
        switch (started.Name)
        {
            case "Calls" when answers.Length == 0:
                var words = started.Input.Split(' ');
                response.Actions.Add(Call(1, "@counter@called", words[0], words[1]));
                break;
            case "Calls":
                response.Actions.Add(Complete(answers[0].EntityOperationFailed is { } failed ? $"failed: {failed.FailureDetails.ErrorMessage}" : answers[0].EntityOperationCompleted.Output));
                break;
            case "Transfers" or "Locks" when !granted:
                response.Actions.Add(new OrchestratorAction
                {
                    Id = 1,
                    SendEntityMessage = new() { EntityLockRequested = new() { CriticalSectionId = section, LockSet = { "@counter@from", "@counter@to" }, ParentInstanceId = turn.InstanceId } },
                });
                break;
            case "Transfers" when answers.Length < 2:
                response.Actions.Add(answers.Length == 0 ? Call(2, "@counter@from", "add", "-1") : Call(3, "@counter@to", "add", "1"));
                break;
            case "Transfers":
                response.Actions.Add(Unlock(4, section, "@counter@from"));
                response.Actions.Add(Unlock(5, section, "@counter@to"));
                response.Actions.Add(Complete("done"));
                break;
            default:
                break;
        }

        return response;
    }

    private static OrchestratorAction Call(int id, string target, string operation, string input) => new()
    {
        Id = id,
        SendEntityMessage = new() { EntityOperationCalled = new() { RequestId = Guid.NewGuid().ToString(), Operation = operation, Input = input, TargetInstanceId = target } },
    };

    private static OrchestratorAction Unlock(int id, string section, string target) => new()
    {
        Id = id, SendEntityMessage = new() { EntityUnlockSent = new() { CriticalSectionId = section, TargetInstanceId = target } },
    };

    private static OrchestratorAction Complete(string? output) => new()
    {
        Id = 9, CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Completed, Result = output },
    };



    private async Task SignalAsync(string id, string name, int input, DateTime? at = null, string? requestId = null)
        => await Stub.SignalEntityAsync(new()
        {
            InstanceId = id, Name = name, Input = input.ToString(CultureInfo.InvariantCulture), RequestId = requestId ?? Guid.NewGuid().ToString(),
            ScheduledTime = at is { } time ? Timestamp.FromDateTime(time) : null,
        });

    private async Task StartAsync(string name, string id, string input) => await Stub.StartInstanceAsync(new() { InstanceId = id, Name = name, Input = input });

    private async Task<string> RunAsync(string name, string input)
    {
        var id = Guid.NewGuid().ToString("N");
        await StartAsync(name, id, input);
        var ended = await Stub.WaitForInstanceCompletionAsync(new() { InstanceId = id, GetInputsAndOutputs = true }, deadline: DateTime.UtcNow.AddSeconds(30));
        return ended.OrchestrationState.Output;
    }

    private async Task UntilStateAsync(string id, string state)
        => await Eventually.TrueAsync(
            async () => (await Stub.GetEntityAsync(new() { InstanceId = id, IncludeState = true })).Entity?.SerializedState == state, $"{id} is {state}", TimeSpan.FromSeconds(20));
}
