using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>
/// Rewrites the history of a failed instance that is rewound: what failed is taken out, so that the next replay asks for it again.
/// Other SDKs rewrite it in the same way, but for failures that were retried, which they cannot rewind. Failed sub-orchestrations
/// stay as created: the hub rewinds those instances too.
/// </summary>
internal static class RewindHistory
{
    /// <summary>Whether a turn asks for the rewriting; afterwards the same event merely wakes the orchestrator.</summary>
    public static bool IsAskedFor(IReadOnlyCollection<P.HistoryEvent> past, IReadOnlyCollection<P.HistoryEvent> newEvents)
        => newEvents.Any(item => item.ExecutionRewound is not null) && past.Any(item => item.ExecutionCompleted is not null);

    /// <summary>The answer to such a turn.</summary>
    public static P.OrchestratorAction Rewrite(IReadOnlyCollection<P.HistoryEvent> past, IReadOnlyCollection<P.HistoryEvent> newEvents)
    {
        P.HistoryEvent[] all = [.. past, .. newEvents];
        var undone = UndoneFailures.In(all);
        var parentExecution = newEvents.First(item => item.ExecutionRewound is not null).ExecutionRewound.ParentExecutionId;
        var execution = Guid.NewGuid().ToString("N");
        var history = all.Where((item, position) => item.ExecutionCompleted is null && !undone.Contains(position))
            .Select(item => item.ExecutionStarted is null ? item : Restarted(item, execution, parentExecution));
        return new() { Id = -1, RewindOrchestration = new() { NewHistory = { history } } };
    }

    private static P.HistoryEvent Restarted(P.HistoryEvent item, string execution, string? parentExecution)
    {
        var copy = item.Clone();
        copy.ExecutionStarted.OrchestrationInstance ??= new();
        copy.ExecutionStarted.OrchestrationInstance.ExecutionId = execution;
        if (!string.IsNullOrEmpty(parentExecution) && copy.ExecutionStarted.ParentInstance?.OrchestrationInstance is { } parent)
        {
            parent.ExecutionId = parentExecution;
        }

        return copy;
    }
}
