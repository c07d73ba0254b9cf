using AiPlatform.DurableTask.Protobuf;
using AiPlatform.DurableTask.Worker.Replay;

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
        var undone = UndoneFailures.In(history);
        return [.. history.Where((item, position) => item.ExecutionCompleted is null && !undone.Contains(position))];
    }
}
