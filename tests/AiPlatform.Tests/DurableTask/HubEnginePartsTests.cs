using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Service;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.DurableTask;

/// <summary>The parts of the hub's engine that need no database.</summary>
public sealed class HubEnginePartsTests
{
    [Fact]
    public void Waiting_work_is_taken_oldest_first_as_far_as_the_filter_lets_it()
    {
        var queue = new ReadyQueue<int>();
        queue.Enqueue("a", null, 1);
        queue.Enqueue("b", "2", 2);
        queue.Enqueue("a", null, 3);
        Assert.True(queue.TryDequeue(NameFilter.Create([("B", ["2"])]), out var item));
        Assert.Equal(2, item);
        Assert.False(queue.TryDequeue(NameFilter.Create([("b", [])]), out _));
        Assert.False(queue.TryDequeue(NameFilter.Create([("a", ["9"])]), out _));
        Assert.True(queue.TryDequeue(NameFilter.All, out item));
        Assert.Equal(1, item);
        Assert.Equal(1, queue.Count);
    }

    [Fact]
    public void Deadlines_run_in_order_when_they_are_due_and_not_before()
    {
        var time = new FakeTimeProvider();
        var gate = new Lock();
        var ran = new List<int>();
        using var queue = new DeadlineQueue(time, gate, () => { });
        lock (gate)
        {
            queue.Add(time.GetUtcNow().UtcDateTime.AddHours(3), () => ran.Add(3));
            queue.Add(time.GetUtcNow().UtcDateTime.AddSeconds(2), () => ran.Add(2));
            queue.Add(time.GetUtcNow().UtcDateTime.AddSeconds(1), () => ran.Add(1));
        }

        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Empty(ran);
        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal([1, 2], ran);
        time.Advance(TimeSpan.FromHours(4));
        Assert.Equal([1, 2, 3], ran);
    }

    [Fact]
    public void Cancelled_deadlines_do_not_run_and_do_not_stay_in_memory_until_they_are_due()
    {
        var time = new FakeTimeProvider();
        var gate = new Lock();
        var ran = new List<int>();
        using var queue = new DeadlineQueue(time, gate, () => { });
        lock (gate)
        {
            var later = Enumerable.Range(0, 5000).Select(index => queue.Add(time.GetUtcNow().UtcDateTime.AddDays(1 + index), () => ran.Add(index))).ToArray();
            foreach (var deadline in later.Skip(1))
            {
                queue.Cancel(deadline);
                queue.Cancel(deadline);
            }

            Assert.InRange(queue.Count, 1, 2048);
        }

        time.Advance(TimeSpan.FromDays(6000));
        Assert.Equal([0], ran);
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void The_state_is_the_fold_of_the_log_and_a_new_execution_forgets_what_was_pending()
    {
        var instance = new LiveInstance(new HubState(1, "h"), 1, new OrchestrationState { InstanceId = "i", ExecutionId = "e" });
        instance.Fold(Row(0, LogKind.Start, 0, new HistoryChunk { Events = { new HistoryEvent { ExecutionStarted = new() { Name = "n", Input = "1" } } } }));
        instance.Fold(Row(1, LogKind.Event, 0, new HistoryEvent { EventRaised = new() { Name = "early" } }));
        instance.Fold(Row(2, LogKind.Turn, 1, new HistoryChunk
        {
            Events =
            {
                new HistoryEvent { OrchestratorStarted = new() },
                new HistoryEvent { EventId = 0, TaskScheduled = new() { Name = "a" } },
                new HistoryEvent { EventId = 1, TimerCreated = new() { FireAt = Timestamp.FromDateTime(DateTime.UnixEpoch) } },
                new HistoryEvent { EventId = 2, SubOrchestrationInstanceCreated = new() { Name = "s" } },
            },
        }));
        Assert.Equal(5, instance.History.Count);
        Assert.Equal("early", Assert.Single(instance.Inbox).Event.EventRaised.Name);
        Assert.Equal([0], instance.Activities.Keys);
        Assert.Equal([1], instance.Timers.Keys);
        Assert.Equal([2], instance.SubOrchestrations.Keys);

        instance.Fold(Row(3, LogKind.Event, 0, new HistoryEvent { TaskCompleted = new() { TaskScheduledId = 0 } }));
        Assert.Empty(instance.Activities);

        instance.Fold(Row(4, LogKind.Start, 0, new HistoryChunk { Events = { new HistoryEvent { ExecutionStarted = new() { Name = "n", Input = "2" } } } }));
        Assert.Empty(instance.History);
        Assert.Empty(instance.Timers);
        Assert.Equal("2", instance.Started.Input);
        Assert.Equal([HistoryEvent.EventTypeOneofCase.ExecutionStarted, HistoryEvent.EventTypeOneofCase.EventRaised], instance.Inbox.Select(arrival => arrival.Event.EventTypeCase));
        Assert.Equal(5, instance.NextSeq);
    }

    [Fact]
    public void The_ends_of_turns_are_put_into_histories_for_people()
    {
        var turns = new[]
        {
            new HistoryEvent { Timestamp = new(), OrchestratorStarted = new() }, new HistoryEvent { Timestamp = new(), EventRaised = new() },
            new HistoryEvent { Timestamp = new(), OrchestratorStarted = new() },
        };
        Assert.Equal(
            ["OrchestratorStarted", "EventRaised", "OrchestratorCompleted", "OrchestratorStarted", "OrchestratorCompleted"],
            TaskHubService.WithTurnEnds(turns).Select(item => item.EventTypeCase.ToString()));
        Assert.Empty(TaskHubService.WithTurnEnds([]));
    }

    [Fact]
    public void Recent_completions_are_remembered_up_to_a_limit()
    {
        var recent = new RecentCompletions();
        recent.Add("first", Task.CompletedTask);
        Assert.Same(Task.CompletedTask, recent.Find("first"));
        for (var index = 0; index < 20_000; index++)
        {
            recent.Add($"t{index}", Task.CompletedTask);
        }

        Assert.Null(recent.Find("first"));
        Assert.NotNull(recent.Find("t19999"));
    }

    private static LogRow Row(long seq, LogKind kind, int consumed, IMessage payload) => new(1, seq, kind, consumed, payload.ToByteArray());
}
