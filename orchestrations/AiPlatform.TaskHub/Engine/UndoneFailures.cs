using AiPlatform.TaskHub.Protobuf;
using EventCase = AiPlatform.TaskHub.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// What a rewinding takes out of a history: failures, with the schedules of the activities that failed. A failure that was followed by
/// another attempt stays, with the timer between them: the replay comes to the last attempt in the same way, and asks for it again.
/// With a last attempt goes the timer that .NET workers make after it although nothing follows: one that is due in its own turn.
/// </summary>
internal sealed class UndoneFailures
{
    private readonly IReadOnlyList<HistoryEvent> _history;

    // Of each failure: its position, that of the schedule, and the turn that heard of it.
    private readonly List<(int Position, int Schedule, int Turn)> _failures = [];
    private readonly Dictionary<(EventCase Kind, string Name, string? Version, string? Input), Queue<int>> _schedules = [];
    private readonly List<(int TimerId, int Turn)> _timers = [];
    private readonly List<(int TimerId, int Turn)> _empty = [];
    private readonly HashSet<int> _fired = [];

    private UndoneFailures(IReadOnlyList<HistoryEvent> history)
    {
        _history = history;

        // Some SDKs schedule each attempt under the same id: a failure is that of the last schedule before it.
        var lastById = new Dictionary<int, int>();
        var turn = 0;
        Google.Protobuf.WellKnownTypes.Timestamp? began = null;
        foreach (var (position, item) in history.Index())
        {
            switch (item.EventTypeCase)
            {
                case EventCase.OrchestratorStarted:
                    turn++;
                    began = item.Timestamp;
                    break;
                case EventCase.TaskScheduled or EventCase.SubOrchestrationInstanceCreated:
                    lastById[item.EventId] = position;
                    Schedules(item).Enqueue(position);
                    break;
                case EventCase.TimerCreated:
                    (began is not null && item.TimerCreated.FireAt <= began ? _empty : _timers).Add((item.EventId, turn));
                    break;
                case EventCase.TimerFired:
                    _fired.Add(item.TimerFired.TimerId);
                    break;
                case EventCase.TaskFailed when lastById.TryGetValue(item.TaskFailed.TaskScheduledId, out var schedule):
                    _failures.Add((position, schedule, turn));
                    break;
                case EventCase.SubOrchestrationInstanceFailed when lastById.TryGetValue(item.SubOrchestrationInstanceFailed.TaskScheduledId, out var schedule):
                    _failures.Add((position, schedule, turn));
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Positions of the events to take out.</summary>
    /// <param name="history">The history of a failed execution.</param>
    /// <param name="timers">Ids of the timers among them: the replay makes none there, so that what came later has smaller ids.</param>
    public static HashSet<int> In(IReadOnlyList<HistoryEvent> history, out List<int> timers)
    {
        var undone = new HashSet<int>();
        var failures = new UndoneFailures(history);
        timers = [];
        foreach (var (position, schedule, turn) in failures._failures)
        {
            if (failures.IsRetried(position, schedule, turn))
            {
                continue;
            }

            undone.Add(position);
            if (history[schedule].TaskScheduled is not null)
            {
                undone.Add(schedule);
            }

            if (failures._empty.FindIndex(timer => timer.Turn == turn) is var last and >= 0)
            {
                timers.Add(failures._empty[last].TimerId);
                failures._empty.RemoveAt(last);
            }
        }

        foreach (var (position, item) in history.Index())
        {
            if ((item.TimerCreated is not null && timers.Contains(item.EventId)) || (item.TimerFired is { } fired && timers.Contains(fired.TimerId)))
            {
                undone.Add(position);
            }
        }

        return undone;
    }

    /// <summary>
    /// Whether the same was asked for again afterwards (after an earlier rewinding in another turn than the failure's own or its
    /// timer's), or the turn that heard of it made a timer that is still waited for. Each attempt and each timer follows one failure.
    /// </summary>
    private bool IsRetried(int position, int schedule, int turn)
    {
        var later = Schedules(_history[schedule]);
        while (later.TryPeek(out var attempt) && attempt < position)
        {
            later.Dequeue();
        }

        if (later.TryDequeue(out _))
        {
            return true;
        }

        var waiting = _timers.FindIndex(timer => timer.Turn == turn && !_fired.Contains(timer.TimerId));
        if (waiting >= 0)
        {
            _timers.RemoveAt(waiting);
        }

        return waiting >= 0;
    }

    private Queue<int> Schedules(HistoryEvent item)
    {
        var key = item.TaskScheduled is { } task
            ? (item.EventTypeCase, task.Name, task.Version, task.Input)
            : (item.EventTypeCase, item.SubOrchestrationInstanceCreated.Name, item.SubOrchestrationInstanceCreated.Version, item.SubOrchestrationInstanceCreated.Input);
        if (!_schedules.TryGetValue(key, out var schedules))
        {
            _schedules[key] = schedules = new();
        }

        return schedules;
    }
}
