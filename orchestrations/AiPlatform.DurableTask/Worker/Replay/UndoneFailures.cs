using EventCase = AiPlatform.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>
/// What a rewinding takes out of a history: failures, with the schedules of the activities that failed. A failure that was followed by
/// another attempt stays, with the timer between them: the replay comes to the last attempt in the same way, and asks for it again.
/// </summary>
internal static class UndoneFailures
{
    /// <summary>Positions of the events to take out.</summary>
    public static HashSet<int> In(IReadOnlyList<P.HistoryEvent> history)
    {
        var undone = new HashSet<int>();
        var turns = Turns(history);
        var fired = new Dictionary<int, Turn>();
        foreach (var turn in turns)
        {
            foreach (var timer in turn.Fired)
            {
                fired[timer] = turn;
            }
        }

        foreach (var turn in turns)
        {
            foreach (var failure in turn.Failures)
            {
                if (!IsRetried(failure, turn, fired, history))
                {
                    undone.Add(failure.Position);
                    if (history[failure.Schedule].TaskScheduled is not null)
                    {
                        undone.Add(failure.Schedule);
                    }
                }
            }
        }

        return undone;
    }

    /// <summary>Whether the turn that heard of a failure asked for the same again, or for a timer after which it did, or would have.</summary>
    private static bool IsRetried((int Position, int Schedule) failure, Turn turn, Dictionary<int, Turn> fired, IReadOnlyList<P.HistoryEvent> history)
    {
        var failed = history[failure.Schedule];
        foreach (var position in turn.Asked.Where(position => position > failure.Position))
        {
            var asked = history[position];
            if (asked.TimerCreated is null)
            {
                if (IsSame(asked, failed))
                {
                    return turn.Asked.Remove(position);
                }
            }
            else if (!fired.TryGetValue(asked.EventId, out var later))
            {
                return turn.Asked.Remove(position);
            }
            else if (later.Asked.FindIndex(candidate => IsSame(history[candidate], failed)) is >= 0 and var again)
            {
                later.Asked.RemoveAt(again);
                return turn.Asked.Remove(position);
            }
        }

        return false;
    }

    private static bool IsSame(P.HistoryEvent one, P.HistoryEvent other) => (one.EventTypeCase, other.EventTypeCase) switch
    {
        (EventCase.TaskScheduled, EventCase.TaskScheduled)
            => one.TaskScheduled.Name == other.TaskScheduled.Name && one.TaskScheduled.Version == other.TaskScheduled.Version && one.TaskScheduled.Input == other.TaskScheduled.Input,
        (EventCase.SubOrchestrationInstanceCreated, EventCase.SubOrchestrationInstanceCreated)
            => one.SubOrchestrationInstanceCreated.Name == other.SubOrchestrationInstanceCreated.Name
                && one.SubOrchestrationInstanceCreated.Version == other.SubOrchestrationInstanceCreated.Version
                && one.SubOrchestrationInstanceCreated.Input == other.SubOrchestrationInstanceCreated.Input,
        _ => false,
    };

    private static List<Turn> Turns(IReadOnlyList<P.HistoryEvent> history)
    {
        var turns = new List<Turn>();

        // Some SDKs schedule each attempt under the same id: a failure is that of the last schedule before it.
        var scheduled = new Dictionary<int, int>();
        foreach (var (position, item) in history.Index())
        {
            if (item.OrchestratorStarted is not null || turns.Count == 0)
            {
                turns.Add(new());
            }

            var turn = turns[^1];
            switch (item.EventTypeCase)
            {
                case EventCase.TaskScheduled or EventCase.SubOrchestrationInstanceCreated:
                    scheduled[item.EventId] = position;
                    turn.Asked.Add(position);
                    break;
                case EventCase.TimerCreated:
                    turn.Asked.Add(position);
                    break;
                case EventCase.TimerFired:
                    turn.Fired.Add(item.TimerFired.TimerId);
                    break;
                case EventCase.TaskFailed when scheduled.TryGetValue(item.TaskFailed.TaskScheduledId, out var schedule):
                    turn.Failures.Add((position, schedule));
                    break;
                case EventCase.SubOrchestrationInstanceFailed when scheduled.TryGetValue(item.SubOrchestrationInstanceFailed.TaskScheduledId, out var schedule):
                    turn.Failures.Add((position, schedule));
                    break;
                default:
                    break;
            }
        }

        return turns;
    }

    /// <summary>What a turn heard, and the positions of what it asked for and is not the answer to another failure.</summary>
    private sealed class Turn
    {
        public List<(int Position, int Schedule)> Failures { get; } = [];

        public List<int> Fired { get; } = [];

        public List<int> Asked { get; } = [];
    }
}
