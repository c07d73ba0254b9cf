using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What instances wait for that do not get on.</summary>
internal sealed class StuckInstances(EngineContext context)
{
    /// <summary>What an instance waits for, when nothing has happened to it for a while; at most <paramref name="limit"/> of this process's.</summary>
    public IReadOnlyList<StuckInstance> Find(HubState hub, TimeSpan olderThan, int limit)
    {
        lock (context.Gate)
        {
            var before = context.Now - olderThan;
            var parked = hub.Parked.Values.Select(row => new StuckInstance(row.InstanceId, "parked", row.Reason, row.At));
            var silent = hub.Instances.Values
                .Where(instance => !hub.Parked.ContainsKey((instance.Id, ParkedRow.Whole)) && instance.State.LastUpdatedTimestamp.ToDateTime() < before && Reason(instance) is not null)
                .Select(instance => new StuckInstance(instance.Id, instance.State.OrchestrationStatus.ToString(), Reason(instance)!, instance.State.LastUpdatedTimestamp.ToDateTime()));
            return [.. parked.Concat(silent).OrderBy(item => item.Since).Take(limit)];
        }
    }

    private string? Reason(LiveInstance instance) => instance switch
    {
        { IsSuspended: true } => "It is suspended.",
        { Stage: TurnStage.Ready } => $"Its turn waits for a worker that takes orchestrator '{instance.State.Name}'.",
        { Stage: TurnStage.Dispatched, Turn: { } turn } => $"A worker has had its turn since {turn.At:O}.",
        { Stage: TurnStage.Committing } => "Its turn is being written.",
        { State.OrchestrationStatus: OrchestrationStatus.Pending } => null,
        { Activities.Count: > 0 } => $"It waits for {instance.Activities.Count} activities, first '{instance.Activities.Values.First().Scheduled.Name}', delivered {instance.Activities.Values.First().Deliveries} times.",
        { SubOrchestrations.Count: > 0 } => $"It waits for the sub-orchestration '{instance.SubOrchestrations.Values.First()}'.",
        { Timers.Count: > 0 } => instance.Timers.Values.Min() > context.Now ? null : "Its timer is due.",
        _ => "It waits for an event or an entity.",
    };
}
