using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Rewrites of histories.</summary>
internal static class History
{
    /// <summary>
    /// What is left of a failed execution when it is rewound: without its end, failed activities with their schedules, and failures
    /// of sub-orchestrations; those keep their creation, for they are rewound themselves. Attempts that others followed stay.
    /// </summary>
    public static List<HistoryEvent> WithoutFailures(IReadOnlyList<HistoryEvent> history)
    {
        var undone = UndoneFailures.In(history, out var timers);
        return [.. history.Where((item, position) => item.ExecutionCompleted is null && !undone.Contains(position)).Select(item => Renumbered(item, timers))];
    }

    /// <summary>The event with the ids that it has when actions of smaller ids were never asked for.</summary>
    private static HistoryEvent Renumbered(HistoryEvent item, List<int> missing)
    {
        int Id(int id) => id - missing.Count(gone => gone < id);
        if (missing.Count == 0)
        {
            return item;
        }

        var copy = item.Clone();
        copy.EventId = Id(copy.EventId);
        switch (copy.EventTypeCase)
        {
            case HistoryEvent.EventTypeOneofCase.TaskCompleted:
                copy.TaskCompleted.TaskScheduledId = Id(copy.TaskCompleted.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.TaskFailed:
                copy.TaskFailed.TaskScheduledId = Id(copy.TaskFailed.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceCompleted:
                copy.SubOrchestrationInstanceCompleted.TaskScheduledId = Id(copy.SubOrchestrationInstanceCompleted.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceFailed:
                copy.SubOrchestrationInstanceFailed.TaskScheduledId = Id(copy.SubOrchestrationInstanceFailed.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.TimerFired:
                copy.TimerFired.TimerId = Id(copy.TimerFired.TimerId);
                break;
            default:
                break;
        }

        return copy;
    }
}
