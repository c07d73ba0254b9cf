namespace AiPlatform.DurableTask.Client;

/// <summary>What an instance waits for that does not come.</summary>
public enum StuckReason
{
    /// <summary>No worker has taken it.</summary>
    NotStarted,

    /// <summary>An activity has not ended.</summary>
    ActivityNotFinished,

    /// <summary>A timer is overdue: no worker runs the next turn.</summary>
    TimerOverdue,

    /// <summary>It waits for an event, a lock or an entity's answer.</summary>
    EventNotReceived,
}

/// <summary>An instance that has not moved for long.</summary>
/// <param name="Instance">The instance, without payloads.</param>
/// <param name="Idle">How long it has not moved.</param>
/// <param name="Reason">What it waits for.</param>
/// <param name="WaitingFor">The name of the oldest activity that has not ended; null for other reasons.</param>
public sealed record StuckInstance(OrchestrationMetadata Instance, TimeSpan Idle, StuckReason Reason, string? WaitingFor);

/// <summary>Instances that have not moved for long.</summary>
/// <param name="Instances">The instances, oldest first.</param>
/// <param name="Examined">Unfinished instances that were looked at.</param>
/// <param name="IsComplete">False when a limit ended the search.</param>
public sealed record StuckReport(IReadOnlyList<StuckInstance> Instances, int Examined, bool IsComplete);

/// <summary>Finds instances that have not moved for long and wait for nothing that is known to come.</summary>
public static class StuckInstances
{
    private const int MaxExamined = 20_000;
    private const int MaxHistories = 1000;

    /// <summary>
    /// Finds them. Instances that wait for a timer that is not due are not stuck; those that wait for a sub-orchestration are
    /// not listed themselves, what holds up the sub-orchestration is.
    /// </summary>
    /// <param name="client">The hub.</param>
    /// <param name="idle">Not moved for at least this long.</param>
    /// <param name="now">The time.</param>
    /// <param name="limit">How many to list.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<StuckReport> FindAsync(DurableTaskClient client, TimeSpan idle, DateTimeOffset now, int limit, CancellationToken cancellation = default)
    {
        var query = new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Running, OrchestrationRuntimeStatus.Pending], CreatedTo: now - idle, PageSize: 1000);
        var found = new List<StuckInstance>();
        var (examined, histories) = (0, 0);
        await foreach (var instance in client.GetAllInstancesAsync(query).WithCancellation(cancellation))
        {
            if (found.Count == limit || examined == MaxExamined || histories == MaxHistories)
            {
                return new(found, examined, false);
            }

            examined++;
            if (now - instance.LastUpdatedAt < idle || instance.ScheduledStartAt > now - idle)
            {
                continue;
            }

            histories++;
            if (await ExamineAsync(client, instance, now, cancellation) is var (reason, waitingFor))
            {
                found.Add(new(instance, now - instance.LastUpdatedAt, reason, waitingFor));
            }
        }

        return new(found, examined, true);
    }

    private static async Task<(StuckReason Reason, string? WaitingFor)?> ExamineAsync(
        DurableTaskClient client, OrchestrationMetadata instance, DateTimeOffset now, CancellationToken cancellation)
    {
        if (instance.RuntimeStatus == OrchestrationRuntimeStatus.Pending)
        {
            return (StuckReason.NotStarted, null);
        }

        IReadOnlyList<OrchestrationHistoryEvent> history;
        try
        {
            history = await client.GetOrchestrationHistoryAsync(instance.InstanceId, cancellation);
        }
        catch (KeyNotFoundException)
        {
            // It has ended and been removed meanwhile.
            return null;
        }

        var answered = history.Where(item => item.TaskScheduledId is not null).Select(item => item.TaskScheduledId).ToHashSet();
        var open = history.Where(item => item.EventType is "TaskScheduled" or "TimerCreated" or "SubOrchestrationInstanceCreated" && !answered.Contains(item.EventId)).ToList();
        if (history.Any(item => item.EventType == "ExecutionCompleted"))
        {
            return null;
        }

        if (open.Find(item => item.EventType == "TaskScheduled") is { } activity)
        {
            return (StuckReason.ActivityNotFinished, activity.Name);
        }

        return open.Exists(item => item.EventType == "SubOrchestrationInstanceCreated" || item.FireAt > now) ? null
            : open.Count > 0 ? (StuckReason.TimerOverdue, null)
            : (StuckReason.EventNotReceived, null);
    }
}
