using System.Text.Json;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Client.Entities;
using AiPlatform.DurableTask.Entities;
using AiPlatform.DurableTask.Worker.Entities;
using AiPlatform.DurableTask.Worker.Replay;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Entities: their addresses, their operations, and what orchestrators do with them.</summary>
public sealed class EntityTests
{
    private static readonly EntityInstanceId A = new("Counter", "a");
    private static readonly EntityInstanceId B = new("counter", "b");

    [Fact]
    public void An_address_ignores_the_case_of_the_name_and_keeps_that_of_the_key()
    {
        var id = new EntityInstanceId("Counter", "Key@1");
        Assert.Equal("@counter@Key@1", id.ToString());
        Assert.Equal(id, EntityInstanceId.FromString("@counter@Key@1"));
        Assert.Equal("\"@counter@Key@1\"", JsonSerializer.Serialize(id));
        Assert.Equal(id, JsonSerializer.Deserialize<EntityInstanceId>("\"@COUNTER@Key@1\""));
        Assert.Equal("@n@", new EntityQuery { InstanceIdStartsWith = "n@" }.InstanceIdStartsWith);
    }

    [Fact]
    public void No_state_is_not_the_same_as_a_state_of_zero()
    {
        Assert.Equal(0, new EntityMetadata<int>(A, 0).State);
        Assert.False(new EntityMetadata<int>(A).IncludesState);
        Assert.Throws<InvalidOperationException>(() => new EntityMetadata<int>(A).State);
    }

    [Theory]
    [InlineData("counter")]
    [InlineData("@counter")]
    [InlineData("@@key")]
    public void What_is_no_address_is_refused(string text) => Assert.Throws<ArgumentException>(() => EntityInstanceId.FromString(text));

    [Fact]
    public void Names_and_lengths_of_addresses_are_checked()
    {
        Assert.Throws<ArgumentException>(() => new EntityInstanceId("a@b", "k"));
        Assert.Throws<ArgumentException>(() => new EntityInstanceId(string.Empty, "k"));
        Assert.Throws<ArgumentException>(() => new EntityInstanceId("a", new string('k', 99)));
    }

    [Fact]
    public async Task Operations_are_methods_by_name_and_change_the_state()
    {
        var result = await BatchAsync(null, ("ADD", "3"), ("addSlowly", "4"), ("get", null), ("AddValue", null), ("describe", null));
        Assert.Equal([null, null, "7", "8", "\"@counter@a describe 8\""], result.Results.Select(item => item.Success.Result));
        Assert.Equal("""{"value":8}""", result.EntityState);
    }

    [Fact]
    public async Task An_operation_that_throws_leaves_state_and_messages_as_they_were()
    {
        var result = await BatchAsync("""{"value":1}""", ("signalAndAdd", "2"), ("signalAndThrow", "5"), ("get", null));
        Assert.Equal("3", result.Results[2].Success.Result);
        Assert.Equal("broken", result.Results[1].Failure.FailureDetails.ErrorMessage);
        Assert.Equal(typeof(InvalidOperationException).FullName, result.Results[1].Failure.FailureDetails.ErrorType);
        var sent = Assert.Single(result.Actions).SendSignal;
        Assert.Equal(("@counter@b", "add", "2"), (sent.InstanceId, sent.Name, sent.Input));
    }

    [Theory]
    [InlineData("nothingOfThatName", null, "nothingOfThatName")]
    [InlineData("add", null, "input")]
    [InlineData("twoInputs", "1", "more than one")]
    [InlineData("getHashCode", null, "getHashCode")]
    [InlineData("runAsync", null, "runAsync")]
    public async Task Operations_that_cannot_be_bound_fail_and_say_why(string operation, string? input, string expected)
    {
        var result = await BatchAsync(null, (operation, input));
        Assert.Contains(expected, result.Results[0].Failure.FailureDetails.ErrorMessage, StringComparison.Ordinal);
        Assert.Null(result.EntityState);
    }

    [Fact]
    public async Task Every_entity_can_be_deleted_even_with_a_state_that_can_no_longer_be_read()
        => Assert.Null((await BatchAsync("not json", ("Delete", null))).EntityState);

    [Fact]
    public async Task An_entity_starts_orchestrations()
    {
        var result = await BatchAsync(null, ("start", "\"i\""));
        var start = Assert.Single(result.Actions).StartNewOrchestration;
        Assert.Equal(("i", "Work", "1"), (start.InstanceId, start.Name, start.Input));
        Assert.Equal("\"i\"", result.Results[0].Success.Result);
    }

    [Fact]
    public async Task Operations_may_be_those_of_the_state()
    {
        var batch = new EntityBatch(A, null, JsonDataConverter.Default, TimeProvider.System);
        var result = await batch.RunAsync(new StateEntity(), [Request("add", "2"), Request("add", "3"), Request("delete", null), Request("add", "4")]);
        Assert.Equal(["2", "5", null, "4"], result.Results.Select(item => item.Success.Result));
    }

    [Fact]
    public void A_call_waits_for_the_answer_to_its_request()
    {
        var session = Session(async context =>
        {
            var both = await Task.WhenAll(context.Entities.CallEntityAsync<int>(A, "add", 1), context.Entities.CallEntityAsync<int>(B, "add", 2));
            await context.Entities.SignalEntityAsync(B, "add", both.Sum(), new SignalEntityOptions(DateTimeOffset.UnixEpoch));
            return both.Sum();
        });
        var calls = session.Run([], [Turn(), Started()], "t").Actions.Select(action => action.SendEntityMessage.EntityOperationCalled).ToList();
        Assert.Equal(["@counter@a add 1", "@counter@b add 2"], calls.Select(call => $"{call.TargetInstanceId} {call.Operation} {call.Input}"));
        Assert.All(calls, call => Assert.Equal(("instance", "execution"), (call.ParentInstanceId, call.ParentExecutionId)));
        Assert.Empty(session.Run([], [Turn(), Answer(calls[1].RequestId, "20"), Answer("unknown", "1")], "t").Actions);
        var end = session.Run([], [Turn(), Answer(calls[0].RequestId, "10")], "t").Actions;
        Assert.Equal("30", end[0].SendEntityMessage.EntityOperationSignaled.Input);
        Assert.Equal(DateTime.UnixEpoch, end[0].SendEntityMessage.EntityOperationSignaled.ScheduledTime.ToDateTime());
        Assert.Equal("30", end[1].CompleteOrchestration.Result);
    }

    [Fact]
    public void A_failed_operation_is_thrown_where_it_is_awaited()
    {
        var session = Session(async context =>
        {
            try
            {
                return await context.Entities.CallEntityAsync<int>(A, "add", 1);
            }
            catch (EntityOperationFailedException exception) when (exception.FailureDetails.IsCausedBy<FormatException>())
            {
                return exception.EntityId == A && exception.OperationName == "add" ? -1 : 0;
            }
        });
        var call = session.Run([], [Turn(), Started()], "t").Actions[0].SendEntityMessage.EntityOperationCalled;
        var failed = new P.HistoryEvent { EntityOperationFailed = new() { RequestId = call.RequestId, FailureDetails = TaskFailureDetails.FromException(new FormatException("x")).ToProto() } };
        Assert.Equal("-1", session.Run([], [Turn(), failed], "t").Actions[0].CompleteOrchestration.Result);
    }

    [Fact]
    public void A_critical_section_locks_in_one_order_allows_locked_entities_only_and_unlocks_at_its_end()
    {
        var session = Session(async context =>
        {
            await using (await context.Entities.LockEntitiesAsync(B, A, B))
            {
                Assert.True(context.Entities.InCriticalSection(out var locked));
                Assert.Equal([A, B], locked);
                await Assert.ThrowsAsync<InvalidOperationException>(() => context.Entities.SignalEntityAsync(A, "add", 1));
                await Assert.ThrowsAsync<InvalidOperationException>(() => context.Entities.CallEntityAsync(new("counter", "c"), "add", 1));
                await Assert.ThrowsAsync<InvalidOperationException>(() => context.Entities.LockEntitiesAsync(A));
                var call = context.Entities.CallEntityAsync<int>(A, "get");
                await Assert.ThrowsAsync<InvalidOperationException>(() => context.Entities.CallEntityAsync<int>(A, "get"));
                await call;
            }

            Assert.False(context.Entities.InCriticalSection());
            return await context.CallActivityAsync<int>("A");
        });
        var request = Assert.Single(session.Run([], [Turn(), Started()], "t").Actions).SendEntityMessage.EntityLockRequested;
        Assert.Equal((["@counter@a", "@counter@b"], 0, "instance"), (request.LockSet.ToArray(), request.Position, request.ParentInstanceId), new LockComparer());
        var granted = new P.HistoryEvent { EntityLockGranted = new() { CriticalSectionId = request.CriticalSectionId } };
        var call = Assert.Single(session.Run([], [Turn(), granted], "t").Actions).SendEntityMessage.EntityOperationCalled;
        var after = session.Run([], [Turn(), Answer(call.RequestId, "1")], "t").Actions;
        Assert.Equal(["@counter@a", "@counter@b"], after.Take(2).Select(action => action.SendEntityMessage.EntityUnlockSent.TargetInstanceId));
        Assert.All(after.Take(2), action => Assert.Equal(request.CriticalSectionId, action.SendEntityMessage.EntityUnlockSent.CriticalSectionId));
        Assert.Equal("A", after[2].ScheduleTask.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_orchestrator_that_ends_in_a_critical_section_unlocks(bool terminated)
    {
        var session = Session(async context =>
        {
            await context.Entities.LockEntitiesAsync(A);
            return await context.CallActivityAsync<int>("A");
        });
        var request = session.Run([], [Turn(), Started()], "t").Actions[0].SendEntityMessage.EntityLockRequested;
        session.Run([], [Turn(), new P.HistoryEvent { EntityLockGranted = new() { CriticalSectionId = request.CriticalSectionId } }], "t");
        var last = terminated ? new P.HistoryEvent { ExecutionTerminated = new() } : new P.HistoryEvent { TaskFailed = new() { TaskScheduledId = 1, FailureDetails = new() } };
        var end = session.Run([], [Turn(), last], "t").Actions;
        Assert.Equal("@counter@a", end[0].SendEntityMessage.EntityUnlockSent.TargetInstanceId);
        Assert.NotNull(end[1].CompleteOrchestration);
    }

    [Fact]
    public void A_replay_names_the_same_requests_and_notices_another_operation()
    {
        OrchestrationSession New(string operation) => Session(async context => await context.Entities.CallEntityAsync<int>(A, operation));
        var first = Assert.Single(New("add").Run([], [Turn(), Started()], "t").Actions);
        P.HistoryEvent[] past = [Turn(), Started(), new() { EventId = first.Id, EntityOperationCalled = first.SendEntityMessage.EntityOperationCalled }];
        var answer = Answer(first.SendEntityMessage.EntityOperationCalled.RequestId, "7");
        Assert.Equal("7", Assert.Single(New("add").Run(past, [Turn(), answer], "t").Actions).CompleteOrchestration.Result);
        var failure = Assert.Single(New("subtract").Run(past, [Turn(), answer], "t").Actions).CompleteOrchestration.FailureDetails;
        Assert.Equal(typeof(NonDeterministicOrchestrationException).FullName, failure.ErrorType);
        Assert.Contains("EntityOperationCalled '@counter@a/add' (#0)", failure.ErrorMessage, StringComparison.Ordinal);
    }

    private static Task<P.EntityBatchResult> BatchAsync(string? state, params (string Operation, string? Input)[] operations)
        => new EntityBatch(A, state, JsonDataConverter.Default, TimeProvider.System).RunAsync(new Counter(), operations.Select(item => Request(item.Operation, item.Input)));

    private static P.OperationRequest Request(string operation, string? input) => new() { Operation = operation, Input = input };

    private static OrchestrationSession Session(Func<TaskOrchestrationContext, Task<int>> orchestrator)
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Test", orchestrator);
        return new("instance", name => registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance);
    }

    private static P.HistoryEvent Turn() => new() { Timestamp = Timestamp.FromDateTime(DateTime.UnixEpoch), OrchestratorStarted = new() };

    private static P.HistoryEvent Started()
        => new() { ExecutionStarted = new() { Name = "Test", OrchestrationInstance = new() { InstanceId = "instance", ExecutionId = "execution" } } };

    private static P.HistoryEvent Answer(string requestId, string output) => new() { EntityOperationCompleted = new() { RequestId = requestId, Output = output } };

    private sealed class LockComparer : IEqualityComparer<(string[], int, string)>
    {
        public bool Equals((string[], int, string) x, (string[], int, string) y) => x.Item1.SequenceEqual(y.Item1) && (x.Item2, x.Item3) == (y.Item2, y.Item3);

        public int GetHashCode((string[], int, string) obj) => obj.Item2;
    }

    private sealed record CounterState
    {
        public int Value { get; set; }
    }

    private sealed class Counter : TaskEntity<CounterState>
    {
        public void Add(int value) => State.Value += value;

        public async Task AddSlowly(int value)
        {
            await Task.Yield();
            State.Value += value;
        }

        public ValueTask<int> AddValue(int value = 1) => ValueTask.FromResult(State.Value += value);

        public Task<int> Get() => Task.FromResult(State.Value);

        public string Describe(TaskEntityOperation operation, TaskEntityContext context) => $"{context.Id} {operation.Name} {State.Value}";

        public void SignalAndAdd(int value)
        {
            Context.SignalEntity(B, "add", value);
            State.Value += value;
        }

        public void SignalAndThrow(int value)
        {
            SignalAndAdd(value);
            throw new InvalidOperationException("broken");
        }

        public void TwoInputs(int first, int second) => State.Value = first + second;

        public string Start(string id) => Context.ScheduleNewOrchestration("Work", 1, new StartOrchestrationOptions(id));
    }

    private sealed record Sum
    {
        public int Value { get; set; }

        public int Add(int value) => Value += value;
    }

    private sealed class StateEntity : TaskEntity<Sum>
    {
        protected override bool AllowStateDispatch => true;
    }
}
