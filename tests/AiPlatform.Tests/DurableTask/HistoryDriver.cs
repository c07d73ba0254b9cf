using System.Globalization;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Worker.Replay;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>
/// Plays a hub and its workers for one orchestration of <see cref="Program"/>, unkindly: results arrive in any order and perhaps
/// twice, workers forget the orchestrator between turns, and turns are lost after they were run.
/// </summary>
internal sealed class HistoryDriver(Random random, string instanceId)
{
    private static readonly DurableTaskRegistry Registry = new DurableTaskRegistry().AddOrchestrator(nameof(Program), _ => new Program());

    private readonly List<P.HistoryEvent> _history = [];
    private readonly List<P.HistoryEvent> _arriving = [];
    private readonly List<P.HistoryEvent> _delivered = [];
    private OrchestrationSession? _session;
    private DateTime _now = DateTime.UnixEpoch;

    /// <summary>Runs to the end and gives the result.</summary>
    public long Run(ProgramInput input)
    {
        var early = input.Steps.SelectMany(step => step.Events()).Select(value => new P.HistoryEvent { EventRaised = new() { Name = $"E{value}", Input = Text(value * 3L) } }).ToList();
        _arriving.Add(Started(JsonDataConverter.Default.Serialize(input)!));
        for (var turn = 0; turn < 10_000; turn++)
        {
            // Events come whenever they like, before anybody waits for them too.
            while (early.Count > 0 && (_arriving.Count == 0 || random.Next(3) == 0))
            {
                Move(early, _arriving, random.Next(early.Count));
            }

            var arrived = Take();
            var response = Turn(arrived);
            foreach (var action in response.Actions.Where(action => action.CompleteOrchestration is null))
            {
                _history.Add(Confirmation(action));
                _arriving.AddRange(Answers(action));
            }

            if (response.Actions.FirstOrDefault(action => action.CompleteOrchestration is not null)?.CompleteOrchestration is not { } end)
            {
                continue;
            }

            _history.Add(new() { ExecutionCompleted = new() { OrchestrationStatus = end.OrchestrationStatus, Result = end.Result } });
            Assert.Null(HistoryReplay.Run(Registry, _history, new NoServices()).Difference);
            if (end.OrchestrationStatus == P.OrchestrationStatus.Completed)
            {
                return long.Parse(end.Result, CultureInfo.InvariantCulture);
            }

            Assert.True(end.OrchestrationStatus == P.OrchestrationStatus.ContinuedAsNew, end.FailureDetails?.ErrorMessage);
            Restart(end);
        }

        throw new InvalidOperationException("The program does not end.");
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Move<T>(List<T> from, List<T> to, int index)
    {
        to.Add(from[index]);
        from.RemoveAt(index);
    }

    private P.HistoryEvent Started(string input) => new()
    {
        ExecutionStarted = new() { Name = nameof(Program), Input = input, OrchestrationInstance = new() { InstanceId = instanceId, ExecutionId = $"{_now.Ticks}" } },
    };

    /// <summary>Some of what arrives, in any order; at times something that has been delivered already.</summary>
    private List<P.HistoryEvent> Take()
    {
        Assert.NotEmpty(_arriving);
        var arrived = new List<P.HistoryEvent>();
        if (_history.Count == 0)
        {
            // The start is always the first.
            Move(_arriving, arrived, 0);
        }

        while (_arriving.Count > 0 && (arrived.Count == 0 || random.Next(2) == 0))
        {
            Move(_arriving, arrived, random.Next(_arriving.Count));
            if (_delivered.Count > 0 && random.Next(4) == 0)
            {
                arrived.Add(_delivered[random.Next(_delivered.Count)]);
            }
        }

        // An event that is raised twice is two events; a result is one, however often it is delivered.
        _delivered.AddRange(arrived.Where(item => item.EventRaised is null && item.ExecutionStarted is null));
        return arrived;
    }

    private P.OrchestratorResponse Turn(List<P.HistoryEvent> arrived)
    {
        _now += TimeSpan.FromSeconds(1);
        List<P.HistoryEvent> events = [new() { Timestamp = Timestamp.FromDateTime(_now), OrchestratorStarted = new() }, .. arrived];
        P.OrchestratorResponse response;
        do
        {
            var kept = _session is not null && random.Next(3) > 0;
            var session = kept ? _session! : new(instanceId, name => Registry.Orchestrators[name](null!), JsonDataConverter.Default, NullLoggerFactory.Instance);
            response = session.Run(kept ? [] : _history, events, "token");

            // A worker may die with the turn done and not reported: another replays and does it again.
            _session = random.Next(6) == 0 ? null : session;
        }
        while (_session is null);

        _history.AddRange(events);
        return response;
    }

    private void Restart(P.CompleteOrchestrationAction end)
    {
        var events = _arriving.Where(item => item.EventRaised is not null).ToList();
        _history.Clear();
        _arriving.Clear();
        _delivered.Clear();
        _session = null;
        _arriving.AddRange([Started(end.Result), .. end.CarryoverEvents, .. events]);
    }

    private static P.HistoryEvent Confirmation(P.OrchestratorAction action) => action switch
    {
        { ScheduleTask: { } task } => new() { EventId = action.Id, TaskScheduled = new() { Name = task.Name, Input = task.Input } },
        { CreateTimer: { } timer } => new() { EventId = action.Id, TimerCreated = new() { FireAt = timer.FireAt } },
        { CreateSubOrchestration: { } child } => new() { EventId = action.Id, SubOrchestrationInstanceCreated = new() { Name = child.Name, Input = child.Input, InstanceId = child.InstanceId } },
        { SendEntityMessage.EntityOperationCalled: { } called } => new() { EventId = action.Id, EntityOperationCalled = called },
        _ => throw new InvalidOperationException($"Unexpected {action}"),
    };

    private IEnumerable<P.HistoryEvent> Answers(P.OrchestratorAction action) => action switch
    {
        { ScheduleTask: { } task } => [Activity(action.Id, task)],
        { CreateTimer: { } timer } => [new() { TimerFired = new() { TimerId = action.Id, FireAt = timer.FireAt } }],
        { CreateSubOrchestration: { } child } => [new() { SubOrchestrationInstanceCompleted = new() { TaskScheduledId = action.Id, Result = Child(child) } }],
        { SendEntityMessage.EntityOperationCalled: { } called } => [new() { EntityOperationCompleted = new() { RequestId = called.RequestId, Output = Twice(called.Input) } }],
        _ => [],
    };

    private P.HistoryEvent Activity(int id, P.ScheduleTaskAction task)
    {
        switch (task.Name)
        {
            case "twice":
                return new() { TaskCompleted = new() { TaskScheduledId = id, Result = Twice(task.Input) } };
            case "flaky" when random.Next(2) == 0:
                return new() { TaskCompleted = new() { TaskScheduledId = id, Result = task.Input } };
            default:
                return new() { TaskFailed = new() { TaskScheduledId = id, FailureDetails = new() { ErrorType = "Broken", ErrorMessage = "broken" } } };
        }
    }

    private string Child(P.CreateSubOrchestrationAction child)
        => Text(new HistoryDriver(random, child.InstanceId).Run(JsonDataConverter.Default.Deserialize<ProgramInput>(child.Input)!));

    private static string Twice(string input) => Text(Step.Twice(long.Parse(input, CultureInfo.InvariantCulture)));

    private sealed class NoServices : IServiceProvider
    {
        public object? GetService(System.Type serviceType) => null;
    }
}
