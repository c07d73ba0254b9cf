using AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Rewrites of histories.</summary>
internal static class History
{
    /// <summary>
    /// What is left of a failed execution when it is rewound: without its end, failed activities with their schedules, and failures
    /// of sub-orchestrations; those keep their creation, for they are rewound themselves.
    /// </summary>
    public static List<HistoryEvent> WithoutFailures(IReadOnlyCollection<HistoryEvent> history)
    {
        var failed = history.Where(item => item.TaskFailed is not null).Select(item => item.TaskFailed.TaskScheduledId).ToHashSet();
        return [.. history.Where(item => item.TaskFailed is null && item.SubOrchestrationInstanceFailed is null && item.ExecutionCompleted is null
            && !(item.TaskScheduled is not null && failed.Contains(item.EventId)))];
    }
}
