using AiPlatform.TaskHub.Cli.Replay;
using AiPlatform.TaskHub.Engine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.DurableTask;
using Official = Microsoft.DurableTask.Protobuf;
using P = AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Rewinding executions whose activities were retried: only the last attempt is undone, and replays agree with the rest.</summary>
public sealed class RetryRewindTests
{
    private static readonly RetryPolicy Policy = new(3, TimeSpan.FromSeconds(1));

    [Fact]
    public async Task The_last_attempt_of_a_retried_activity_is_asked_for_again()
    {
        await using var worker = await StartAsync(async context => await context.CallActivityAsync<int>("A", 7, TaskOptions.FromRetryPolicy(Policy)));
        P.HistoryEvent[] history =
        [
            Turn(), Started(), Scheduled(0, "A", "7"),
            Turn(), Failed(0), Timer(1),
            Turn(), Fired(1), Scheduled(2, "A", "7"),
            Turn(), Failed(2), Timer(3),
            Turn(), Fired(3), Scheduled(4, "A", "7"),
            Turn(), Failed(4), Timer(5, seconds: 0),
            Turn(), Fired(5), Completed(),
        ];

        // With the timer that the worker makes after the last attempt, and which delays nothing.
        var rewound = History.WithoutFailures(history);
        Assert.Equal(history.Length - 5, rewound.Count);
        var action = Assert.Single((await RunAsync(worker, rewound)).Actions);
        Assert.Equal((4, "A"), (action.Id, action.ScheduleTask.Name));

        // The answer ends it.
        var end = Assert.Single((await RunAsync(
            worker, [.. rewound, Turn(), Scheduled(4, "A", "7"), Turn(), new() { TaskCompleted = new() { TaskScheduledId = 4, Result = "9" } }])).Actions);
        Assert.Equal("9", end.CompleteOrchestration.Result);
    }

    [Fact]
    public async Task What_failed_for_good_is_undone_beside_what_was_retried_and_worked()
    {
        await using var worker = await StartAsync(async context =>
        {
            var results = await Task.WhenAll(
                context.CallActivityAsync<int>("A", 1, TaskOptions.FromRetryPolicy(Policy)),
                context.CallActivityAsync<int>("B", 2),
                context.CallActivityAsync<int>("A", 3, TaskOptions.FromRetryPolicy(Policy)));
            return results.Sum();
        });
        P.HistoryEvent[] history =
        [
            Turn(), Started(), Scheduled(0, "A", "1"), Scheduled(1, "B", "2"), Scheduled(2, "A", "3"),
            Turn(), Failed(2), Failed(1), Failed(0), Timer(3), Timer(4),
            Turn(), Fired(4), Fired(3), Scheduled(5, "A", "1"), Scheduled(6, "A", "3"),
            Turn(), new() { TaskCompleted = new() { TaskScheduledId = 5, Result = "10" } },
            Turn(), new() { TaskCompleted = new() { TaskScheduledId = 6, Result = "30" } }, Completed(),
        ];
        var rewound = History.WithoutFailures(history);
        Assert.Equal(history.Length - 3, rewound.Count);
        var action = Assert.Single((await RunAsync(worker, rewound)).Actions);
        Assert.Equal((1, "B"), (action.Id, action.ScheduleTask.Name));
    }

    [Fact]
    public void Retries_by_a_handler_of_sub_orchestrations_and_under_one_id_are_recognised()
    {
        // A handler retries in the turn that hears of the failure.
        Assert.Equal(
            [5, 7],
            Undone(Turn(), Started(), Scheduled(0, "A", "1"), Turn(), Failed(0), Scheduled(1, "A", "1"), Turn(), Failed(1), Completed()));

        // A sub-orchestration keeps its creation: it is rewound itself.
        Assert.Equal(
            [10],
            Undone(Turn(), Started(), Created(0), Turn(), ChildFailed(0), Timer(1), Turn(), Fired(1), Created(2), Turn(), ChildFailed(2), Completed()));

        // The JavaScript SDK schedules each attempt under the first one's id.
        Assert.Equal(
            [8, 10],
            Undone(Turn(), Started(), Scheduled(0, "A", "1"), Turn(), Failed(0), Timer(1), Turn(), Fired(1), Scheduled(0, "A", "1"), Turn(), Failed(0), Completed()));

        // Another branch failed while a retry was still waited for: the wait goes on.
        Assert.Equal(
            [3, 8],
            Undone(Turn(), Started(), Scheduled(0, "A", "1"), Scheduled(1, "B", "1"), Turn(), Failed(0), Timer(2), Turn(), Failed(1), Completed()));
    }

    private static int[] Undone(params P.HistoryEvent[] history) => [.. UndoneFailures.In(history, out _).Order()];

    private static Task<ReplayWorker> StartAsync(Func<TaskOrchestrationContext, Task<int>> run)
        => ReplayWorker.StartAsync(tasks => tasks.AddOrchestratorFunc<int, int>("Test", (context, _) => run(context)));

    private static Task<Official.OrchestratorResponse> RunAsync(ReplayWorker worker, IReadOnlyList<P.HistoryEvent> past)
        => worker.RunAsync(
            new() { InstanceId = "i", ExecutionId = "e" }, past.Select(Sent), [Sent(Turn()), Sent(new() { ExecutionRewound = new() })], CancellationToken.None);

    private static Official.HistoryEvent Sent(P.HistoryEvent item)
    {
        var sent = Official.HistoryEvent.Parser.ParseFrom(item.ToByteArray());
        sent.Timestamp ??= Timestamp.FromDateTime(DateTime.UnixEpoch);
        return sent;
    }

    private static P.HistoryEvent Turn() => new() { EventId = -1, Timestamp = Timestamp.FromDateTime(DateTime.UnixEpoch), OrchestratorStarted = new() };

    private static P.HistoryEvent Started() => new()
    {
        ExecutionStarted = new() { Name = "Test", Input = "0", OrchestrationInstance = new() { InstanceId = "i", ExecutionId = "e" } },
    };

    private static P.HistoryEvent Scheduled(int id, string name, string input) => new() { EventId = id, TaskScheduled = new() { Name = name, Input = input } };

    private static P.HistoryEvent Failed(int id) => new() { TaskFailed = new() { TaskScheduledId = id, FailureDetails = new() { ErrorType = "E", ErrorMessage = "no" } } };

    private static P.HistoryEvent Created(int id) => new() { EventId = id, SubOrchestrationInstanceCreated = new() { Name = "S", InstanceId = $"child-{id}" } };

    private static P.HistoryEvent ChildFailed(int id) => new() { SubOrchestrationInstanceFailed = new() { TaskScheduledId = id } };

    private static P.HistoryEvent Timer(int id, int seconds = 1) => new()
    {
        EventId = id, TimerCreated = new() { FireAt = Timestamp.FromDateTime(DateTime.UnixEpoch.AddSeconds(seconds)) },
    };

    private static P.HistoryEvent Fired(int id) => new()
    {
        TimerFired = new() { TimerId = id, FireAt = Timestamp.FromDateTime(DateTime.UnixEpoch) },
    };

    private static P.HistoryEvent Completed() => new() { ExecutionCompleted = new() { OrchestrationStatus = P.OrchestrationStatus.Failed } };
}
