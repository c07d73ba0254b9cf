using System.Diagnostics;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Worker;
using AiPlatform.DurableTask.Worker.Replay;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Versions, rewinding and traces in the worker.</summary>
public sealed class WorkerBehaviourTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Theory]
    [InlineData("", "", 0)]
    [InlineData(null, "1", -1)]
    [InlineData("1", " ", 1)]
    [InlineData("2", "2.0", 0)]
    [InlineData("1.10", "1.9", 1)]
    [InlineData("1.2.3.4", "1.2.3.5", -1)]
    [InlineData("beta", "Alpha", 1)]
    [InlineData("1.0-rc", "1.0-RC", 0)]
    public void Versions_compare_by_number_where_they_are_numbers(string? left, string? right, int expected)
        => Assert.Equal(expected, Math.Sign(TaskVersions.Compare(left, right)));

    [Theory]
    [InlineData(DurableTaskWorkerOptions.VersionMatchStrategy.None, "9", true)]
    [InlineData(DurableTaskWorkerOptions.VersionMatchStrategy.Strict, "2.0", true)]
    [InlineData(DurableTaskWorkerOptions.VersionMatchStrategy.Strict, "1", false)]
    [InlineData(DurableTaskWorkerOptions.VersionMatchStrategy.CurrentOrOlder, "1", true)]
    [InlineData(DurableTaskWorkerOptions.VersionMatchStrategy.CurrentOrOlder, null, true)]
    [InlineData(DurableTaskWorkerOptions.VersionMatchStrategy.CurrentOrOlder, "2.1", false)]
    public void A_worker_runs_the_versions_that_its_strategy_allows(DurableTaskWorkerOptions.VersionMatchStrategy strategy, string? version, bool allowed)
        => Assert.Equal(allowed, VersionGate.Refusal(new() { Version = "2", MatchStrategy = strategy }, version) is null);

    [Fact]
    public void Calls_carry_versions_and_the_next_execution_may_have_another()
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Test", async (TaskOrchestrationContext context, int _) =>
        {
            Assert.True(context.CompareVersionTo("2") < 0);
            await Task.WhenAll(
                context.CallActivityAsync("A"),
                context.CallActivityAsync("B", null, new ActivityOptions { Version = "7" }),
                context.CallSubOrchestratorAsync("S"),
                context.CallSubOrchestratorAsync("S", null, new SubOrchestrationOptions { Version = "8" }));
            context.ContinueAsNew(new ContinueAsNewOptions { NewVersion = "2" }, 5);
            return 0;
        });
        var session = new OrchestrationSession("i", name => registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance, "3");
        var actions = session.Run([], [Turn(), new P.HistoryEvent { ExecutionStarted = new() { Name = "Test", Version = "1.5" } }], "t").Actions;
        Assert.Equal(["1.5", "7", "3", "8"], actions.Select(action => action.ScheduleTask?.Version ?? action.CreateSubOrchestration.Version));
        var answers = actions.Select(action => action.ScheduleTask is null
            ? new P.HistoryEvent { SubOrchestrationInstanceCompleted = new() { TaskScheduledId = action.Id } }
            : new P.HistoryEvent { TaskCompleted = new() { TaskScheduledId = action.Id } });
        var end = session.Run([], [Turn(), .. answers], "t").Actions[0].CompleteOrchestration;
        Assert.Equal(("2", "5"), (end.NewVersion, end.Result));
    }

    [Fact]
    public void Code_that_does_more_than_its_history_says_fails_and_names_the_action()
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Test", async (TaskOrchestrationContext context, int _) =>
        {
            await Task.WhenAll(context.CallActivityAsync("A"), context.CallActivityAsync("Added"));
            return 0;
        });
        var session = new OrchestrationSession("i", name => registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance);
        P.HistoryEvent[] past = [Turn(), Started(), Scheduled(0, "A"), Turn(), new() { EventRaised = new() { Name = "x" } }];
        var failure = Assert.Single(session.Run(past, [Turn()], "t").Actions).CompleteOrchestration.FailureDetails;
        Assert.Contains("ScheduleTask 'Added' (#1)", failure.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void Rewinding_takes_out_what_failed_and_the_next_replay_asks_for_it_again()
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Test", async (TaskOrchestrationContext context, int _) =>
            await context.CallActivityAsync<int>("A") + await context.CallActivityAsync<int>("B"));
        P.HistoryEvent[] past =
        [
            Turn(), Started(), Scheduled(0, "A"), Turn(), Completed(0, "1"), Scheduled(1, "B"),
            Turn(), new() { TaskFailed = new() { TaskScheduledId = 1, FailureDetails = new() } }, new() { ExecutionCompleted = new() { OrchestrationStatus = P.OrchestrationStatus.Failed } },
        ];
        P.HistoryEvent[] asked = [Turn(), new() { ExecutionRewound = new() { Reason = "again" } }];
        Assert.True(RewindHistory.IsAskedFor(past, asked));
        var history = RewindHistory.Rewrite(past, asked).RewindOrchestration.NewHistory;
        Assert.DoesNotContain(history, item => item.TaskFailed is not null || item.ExecutionCompleted is not null || item.TaskScheduled?.Name == "B");
        Assert.NotEqual("e", history[1].ExecutionStarted.OrchestrationInstance.ExecutionId);
        Assert.Equal("e", past[1].ExecutionStarted.OrchestrationInstance.ExecutionId);
        Assert.False(RewindHistory.IsAskedFor([.. history], asked));

        var session = new OrchestrationSession("i", name => registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance);
        var again = Assert.Single(session.Run([.. history], [Turn()], "t").Actions);
        Assert.Equal((1, "B"), (again.Id, again.ScheduleTask.Name));
        Assert.Equal("3", session.Run([], [Turn(), Completed(1, "2")], "t").Actions[0].CompleteOrchestration.Result);
    }

    [Fact]
    public void An_execution_is_one_span_with_one_id_in_every_replay_and_the_parent_of_its_activities()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == DurableTaskTracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (Equals(span.GetTagItem("durabletask.task.instance_id"), "traced"))
                {
                    lock (spans)
                    {
                        spans.Add(span);
                    }
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Test", async (TaskOrchestrationContext context, int _) => await context.CallActivityAsync<int>("A"));
        OrchestrationSession New() => new("traced", name => registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance);
        var started = Started();
        started.Timestamp = Timestamp.FromDateTime(DateTime.UnixEpoch);
        started.ExecutionStarted.ParentTraceContext = new() { TraceParent = Parent, TraceState = "k=v" };

        var first = New().Run([], [Turn(), started], "t").Actions[0].ScheduleTask;
        using (var running = DurableTaskTracing.StartActivity(new()
        {
            Name = "A", OrchestrationInstance = new() { InstanceId = "traced" }, ParentTraceContext = first.ParentTraceContext,
        }))
        {
            Assert.Equal(running, Activity.Current);
        }

        var replayed = New();
        replayed.Run([Turn(), started, Scheduled(0, "A")], [Turn(), Completed(0, "1")], "t");
        replayed.EmitSpan();
        Assert.Equal(["activity:A", "orchestration:Test"], spans.Select(span => span.DisplayName));
        Assert.Equal(spans[1].SpanId, spans[0].ParentSpanId);
        Assert.Equal((Parent.Split('-')[1], Parent.Split('-')[2]), (spans[1].TraceId.ToString(), spans[1].ParentSpanId.ToString()));
        Assert.Equal(DateTime.UnixEpoch, spans[1].StartTimeUtc);
        Assert.Equal(("Completed", "k=v"), (spans[1].GetTagItem("durabletask.task.status"), spans[1].TraceStateString));
        Assert.Equal(spans[1].SpanId.ToString(), first.ParentTraceContext.TraceParent.Split('-')[2]);
    }

    [Fact]
    public void Without_a_listener_the_trace_goes_on_through_activities_and_without_a_trace_there_is_none()
    {
        using (var span = DurableTaskTracing.StartActivity(new() { Name = "A", ParentTraceContext = new() { TraceParent = Parent } }))
        {
            Assert.Equal(Parent.Split('-')[1], Activity.Current?.TraceId.ToString());
        }

        Assert.Null(DurableTaskTracing.StartActivity(new() { Name = "A" }));
        Assert.Null(DurableTaskTracing.OfExecution(new() { Name = "x" }, "i"));
    }

    private static P.HistoryEvent Turn() => new() { Timestamp = Timestamp.FromDateTime(DateTime.UnixEpoch), OrchestratorStarted = new() };

    private static P.HistoryEvent Started() => new() { ExecutionStarted = new() { Name = "Test", OrchestrationInstance = new() { InstanceId = "i", ExecutionId = "e" } } };

    private static P.HistoryEvent Scheduled(int id, string name) => new() { EventId = id, TaskScheduled = new() { Name = name } };

    private static P.HistoryEvent Completed(int id, string result) => new() { TaskCompleted = new() { TaskScheduledId = id, Result = result } };
}
