using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Worker.Replay;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Orchestrators driven by hand-written histories.</summary>
public sealed class OrchestrationSessionTests
{
    private static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Fact]
    public void A_turn_asks_for_the_actions_of_the_code_and_the_next_one_for_the_rest()
    {
        var session = Session<int, int>(async (context, input) =>
        {
            var first = await context.CallActivityAsync<int>("A", input);
            return await context.CallActivityAsync<int>("B", first);
        });
        var first = session.Run([], [Turn(), Started("1")], "t1");
        Assert.Equal("A", Assert.Single(first.Actions).ScheduleTask.Name);
        var second = session.Run([], [Turn(), TaskCompleted(0, "2")], "t2");
        Assert.Equal(("B", "2", 1), (second.Actions[0].ScheduleTask.Name, second.Actions[0].ScheduleTask.Input, second.Actions[0].Id));
        var last = session.Run([], [Turn(), TaskCompleted(1, "3")], "t3");
        Assert.Equal("3", Assert.Single(last.Actions).CompleteOrchestration.Result);
        Assert.True(session.IsOver);
        Assert.Equal("t3", session.LastToken);
    }

    [Fact]
    public void A_replay_repeats_no_action_and_gives_the_same_ids_and_times()
    {
        var seen = new List<(Guid, DateTime, bool)>();
        OrchestrationSession New() => Session<int, int>(async (context, _) =>
        {
            seen.Add((context.NewGuid(), context.CurrentUtcDateTime, context.IsReplaying));
            return await context.CallActivityAsync<int>("A");
        });
        New().Run([], [Turn(), Started("1")], "t");
        var replayed = New().Run([Turn(), Started("1"), Scheduled(0, "A")], [Turn(), TaskCompleted(0, "7")], "t");
        Assert.Equal("7", Assert.Single(replayed.Actions).CompleteOrchestration.Result);
        Assert.Equal((seen[0].Item1, seen[0].Item2), (seen[1].Item1, seen[1].Item2));
        Assert.Equal([false, true], seen.Select(item => item.Item3));
    }

    [Theory]
    [InlineData("B", "TaskScheduled 'B'")]
    [InlineData(null, "TimerCreated")]
    public void Code_that_contradicts_its_history_fails_and_names_the_event(string? scheduled, string expected)
    {
        var session = Session<int, int>(async (context, _) => await context.CallActivityAsync<int>("A"));
        var past = scheduled is null ? new P.HistoryEvent { EventId = 0, TimerCreated = new() { FireAt = Timestamp.FromDateTime(Start) } } : Scheduled(0, scheduled);
        var end = Assert.Single(session.Run([Turn(), Started("1"), past], [Turn(), TaskCompleted(0, "1")], "t").Actions).CompleteOrchestration;
        Assert.Equal(P.OrchestrationStatus.Failed, end.OrchestrationStatus);
        Assert.Contains(expected, end.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void Code_that_no_longer_does_what_its_history_says_fails()
    {
        var session = Session<int, int>((_, input) => Task.FromResult(input));
        var end = Assert.Single(session.Run([Turn(), Started("1"), Scheduled(0, "A")], [Turn(), TaskCompleted(0, "1")], "t").Actions).CompleteOrchestration;
        Assert.Equal(typeof(NonDeterministicOrchestrationException).FullName, end.FailureDetails.ErrorType);
    }

    [Fact]
    public void Waiting_for_something_that_is_not_durable_fails_instead_of_hanging()
    {
        var never = new TaskCompletionSource<int>();
        var session = Session<int, int>(async (_, _) => await never.Task);
        var end = Assert.Single(session.Run([], [Turn(), Started("1")], "t").Actions).CompleteOrchestration;
        Assert.Equal(typeof(NonDeterministicOrchestrationException).FullName, end.FailureDetails.ErrorType);
    }

    [Fact]
    public void An_exception_fails_the_orchestration_with_its_causes()
    {
        var session = Session<int, int>((_, _) => throw new InvalidOperationException("outer", new FormatException("inner")));
        var failure = Assert.Single(session.Run([], [Turn(), Started("1")], "t").Actions).CompleteOrchestration.FailureDetails;
        Assert.Equal("outer", failure.ErrorMessage);
        Assert.Equal(typeof(FormatException).FullName, failure.InnerFailure.ErrorType);
    }

    [Fact]
    public void Continue_as_new_carries_events_that_nobody_waited_for()
    {
        var session = Session<int, int>(async (context, input) =>
        {
            await context.WaitForExternalEvent<string>("a");
            context.ContinueAsNew(input + 1);
            return 0;
        });
        var end = session.Run([], [Turn(), Started("1"), Raised("a", "\"1\""), Raised("A", "\"2\""), Raised("b", "\"3\"")], "t").Actions[^1].CompleteOrchestration;
        Assert.Equal(P.OrchestrationStatus.ContinuedAsNew, end.OrchestrationStatus);
        Assert.Equal("2", end.Result);
        Assert.Equal(["\"2\"", "\"3\""], end.CarryoverEvents.Select(item => item.EventRaised.Input));
    }

    [Fact]
    public void An_event_cancels_the_timer_of_its_time_out_and_a_late_timer_finds_nobody()
    {
        var session = Session<int, string>(async (context, _) =>
        {
            var first = await context.WaitForExternalEvent<string>("a", TimeSpan.FromMinutes(1));
            await context.CallActivityAsync("A");
            return first;
        });
        Assert.Equal(Start.AddMinutes(1), Assert.Single(session.Run([], [Turn(), Started("1")], "t").Actions).CreateTimer.FireAt.ToDateTime());
        Assert.Equal("A", Assert.Single(session.Run([], [Turn(), Raised("a", "\"x\"")], "t").Actions).ScheduleTask.Name);
        Assert.Empty(session.Run([], [Turn(), new P.HistoryEvent { TimerFired = new() { TimerId = 0 } }], "t").Actions);
        Assert.Equal("\"x\"", session.Run([], [Turn(), TaskCompleted(1, null)], "t").Actions[0].CompleteOrchestration.Result);
    }

    [Fact]
    public void A_suspended_orchestrator_sees_nothing_until_it_is_resumed()
    {
        var session = Session<int, string>(async (context, _) => await context.WaitForExternalEvent<string>("a"));
        session.Run([], [Turn(), Started("1"), new P.HistoryEvent { ExecutionSuspended = new() }], "t");
        Assert.Empty(session.Run([], [Turn(), Raised("a", "\"x\"")], "t").Actions);
        Assert.Equal("\"x\"", session.Run([], [Turn(), new P.HistoryEvent { ExecutionResumed = new() }], "t").Actions[0].CompleteOrchestration.Result);
    }

    [Fact]
    public void Termination_ends_the_execution_with_its_output()
    {
        var session = Session<int, string>(async (context, _) => await context.WaitForExternalEvent<string>("a"));
        var end = session.Run([], [Turn(), Started("1"), new P.HistoryEvent { ExecutionTerminated = new() { Input = "\"why\"" } }], "t").Actions[0].CompleteOrchestration;
        Assert.Equal((P.OrchestrationStatus.Terminated, "\"why\""), (end.OrchestrationStatus, end.Result));
    }

    [Fact]
    public void Retries_wait_longer_each_time_and_stop_at_final_failures()
    {
        var policy = TaskOptions.FromRetryPolicy(new RetryPolicy(5, TimeSpan.FromSeconds(1), 2));
        var session = Session<int, int>(async (context, _) => await context.CallActivityAsync<int>("A", null, policy));
        session.Run([], [Turn(), Started("1")], "t");
        Assert.Equal(Start.AddSeconds(1), session.Run([], [Turn(), Failed(0)], "t").Actions[0].CreateTimer.FireAt.ToDateTime());
        Assert.Equal("A", session.Run([], [Turn(), new P.HistoryEvent { TimerFired = new() { TimerId = 1 } }], "t").Actions[0].ScheduleTask.Name);
        Assert.Equal(Start.AddSeconds(2), session.Run([], [Turn(), Failed(2)], "t").Actions[0].CreateTimer.FireAt.ToDateTime());
        session.Run([], [Turn(), new P.HistoryEvent { TimerFired = new() { TimerId = 3 } }], "t");
        Assert.Equal(P.OrchestrationStatus.Failed, session.Run([], [Turn(), Failed(4, final: true)], "t").Actions[0].CompleteOrchestration.OrchestrationStatus);
    }

    private static OrchestrationSession Session<TInput, TOutput>(Func<TaskOrchestrationContext, TInput, Task<TOutput>> orchestrator)
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Test", orchestrator);
        return new OrchestrationSession("instance", name => registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance);
    }

    private static P.HistoryEvent Turn() => new() { Timestamp = Timestamp.FromDateTime(Start), OrchestratorStarted = new() };

    private static P.HistoryEvent Started(string input) => new() { ExecutionStarted = new() { Name = "Test", Input = input } };

    private static P.HistoryEvent Scheduled(int id, string name) => new() { EventId = id, TaskScheduled = new() { Name = name } };

    private static P.HistoryEvent TaskCompleted(int id, string? result) => new() { TaskCompleted = new() { TaskScheduledId = id, Result = result } };

    private static P.HistoryEvent Failed(int id, bool final = false)
        => new() { TaskFailed = new() { TaskScheduledId = id, FailureDetails = new() { ErrorType = "Error", ErrorMessage = "no", IsNonRetriable = final } } };

    private static P.HistoryEvent Raised(string name, string input) => new() { EventRaised = new() { Name = name, Input = input } };
}
