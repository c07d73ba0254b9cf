using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>Finds instances that have not moved for long and wait for nothing that is known to come.</summary>
public static class StuckInstances
{
    private const int MaxExamined = 20_000;
    private const int MaxHistories = 1000;
    private const int PageSize = 1000;

    /// <summary>
    /// Finds them. Instances that wait for a timer that is not due are not stuck; those that wait for a sub-orchestration are not
    /// listed themselves, what holds up the sub-orchestration is.
    /// </summary>
    /// <param name="hub">The hub.</param>
    /// <param name="idle">Not moved for at least this long.</param>
    /// <param name="now">The time.</param>
    /// <param name="limit">How many to list.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<StuckReport> FindAsync(
        TaskHubConnection hub, TimeSpan idle, DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        var query = new InstanceQuery
        {
            RuntimeStatus = { OrchestrationStatus.Running, OrchestrationStatus.Pending },
            CreatedTimeTo = (now - idle).ToTimestamp(),
            MaxInstanceCount = PageSize,
        };
        var found = new List<StuckInstance>();
        var (examined, histories) = (0, 0);
        do
        {
            var page = await hub.Protocol.QueryInstancesAsync(new() { Query = query }, cancellationToken: cancellationToken);
            foreach (var instance in page.OrchestrationState)
            {
                if (found.Count == limit || examined == MaxExamined || histories == MaxHistories)
                {
                    return new(found, examined, false);
                }

                examined++;
                var still = now - instance.LastUpdatedTimestamp.ToDateTimeOffset();
                if (still < idle || instance.ScheduledStartTimestamp?.ToDateTimeOffset() > now - idle)
                {
                    continue;
                }

                histories++;
                if (await ExamineAsync(hub, instance, now, cancellationToken) is var (reason, waitingFor))
                {
                    found.Add(new(instance, still, reason, waitingFor));
                }
            }

            query.ContinuationToken = page.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(query.ContinuationToken));

        return new(found, examined, true);
    }

    private static async Task<(StuckReason Reason, string? WaitingFor)?> ExamineAsync(
        TaskHubConnection hub, OrchestrationState instance, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (instance.OrchestrationStatus == OrchestrationStatus.Pending)
        {
            return (StuckReason.NotStarted, null);
        }

        IReadOnlyList<HistoryEntry> history;
        try
        {
            history = await HistoryEntry.ReadAsync(hub, instance.InstanceId, cancellationToken);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            // It has ended and been removed meanwhile.
            return null;
        }

        if (history.Any(static item => item.EventType == "ExecutionCompleted"))
        {
            return null;
        }

        var answered = history.Where(static item => item.TaskScheduledId is not null).Select(static item => item.TaskScheduledId).ToHashSet();
        var open = history.Where(item => item.EventType is "TaskScheduled" or "TimerCreated" or "SubOrchestrationInstanceCreated"
            && !answered.Contains(item.EventId)).ToList();
        if (open.Find(static item => item.EventType == "TaskScheduled") is { } activity)
        {
            return (StuckReason.ActivityNotFinished, activity.Name);
        }

        return open.Exists(item => item.EventType == "SubOrchestrationInstanceCreated" || item.FireAt > now) ? null
            : open.Count > 0 ? (StuckReason.TimerOverdue, null)
            : (StuckReason.EventNotReceived, null);
    }
}
