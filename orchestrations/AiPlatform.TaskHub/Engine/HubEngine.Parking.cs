using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <content>Poison work: what was delivered in vain too often is parked until its instance is resumed.</content>
internal sealed partial class HubEngine
{
    /// <summary>Parks a turn or an entity's batch when it has failed often enough. Called under the lock.</summary>
    private bool ParkIfPoison(HubState hub, string instanceId, int failures, Abandonments abandonments)
        => (failures >= _options.MaxDeliveries && Park(hub, instanceId, ParkedRow.Whole, $"It was delivered {failures} times and its workers were lost."))
            || (IsPoison(abandonments) && Park(hub, instanceId, ParkedRow.Whole, GivenBack("It", abandonments)));

    /// <summary>Parks an activity when it has failed often enough. Called under the lock.</summary>
    private bool ParkIfPoison(PendingActivity activity)
    {
        var subject = $"Activity '{activity.Scheduled.Name}'";
        var reason = activity.Deliveries >= _options.MaxDeliveries ? $"{subject} was delivered {activity.Deliveries} times and its workers were lost."
            : IsPoison(activity.Abandonments) ? GivenBack(subject, activity.Abandonments)
            : null;
        activity.IsParked = reason is not null && Park(activity.Instance.Hub, activity.Instance.Id, activity.TaskId, reason);
        return activity.IsParked;
    }

    private bool IsPoison(Abandonments abandonments) => abandonments.IsPoison(_options.MaxDeliveries, _options.AbandonPatience, Now);

    private static string GivenBack(string subject, Abandonments abandonments)
        => $"{subject} was given back by workers {abandonments.Count} times since {abandonments.Since:O}: none takes its version, or it fails outside its code.";

    private bool Park(HubState hub, string instanceId, int taskId, string reason)
    {
        var row = new ParkedRow(hub.Id, instanceId, taskId, reason, Now);
        hub.Parked[(instanceId, taskId)] = row;
        Metrics.Parked.Inc();
        Logs.Parked(_logger, instanceId, reason);
        _ = Write(new Commit { Parked = row });
        return true;
    }

    /// <summary>Gives parked work of an instance or entity another chance.</summary>
    public Task UnparkAsync(HubState hub, string instanceId)
    {
        lock (_gate)
        {
            RequireOwned(instanceId);
            if (!Unpark(hub, instanceId))
            {
                return Task.CompletedTask;
            }

            var commit = new Commit { Unparked = (hub.Id, instanceId) };
            commit.Apply += () =>
            {
                if (hub.Instances.TryGetValue(instanceId, out var instance))
                {
                    Again(instance);
                }
                else if (hub.Entities.TryGetValue(instanceId, out var entity) && entity is { Stage: TurnStage.Ready, Batch: null })
                {
                    entity.FailedDeliveries = 0;
                    entity.Abandonments = default;
                    entity.Stage = TurnStage.Idle;
                    Activate(entity);
                }
            };
            return Write(commit);
        }
    }

    private void Again(LiveInstance instance)
    {
        if (instance is { Stage: TurnStage.Ready, Turn: null, FailedDeliveries: > 0 })
        {
            instance.FailedDeliveries = 0;
            instance.Abandonments = default;
            EnqueueTurn(instance);
        }

        foreach (var activity in instance.Activities.Values.Where(activity => activity.IsParked).ToArray())
        {
            activity.Revive();
            EnqueueActivity(activity);
        }
    }

    /// <summary>Forgets that work of an instance is parked.</summary>
    private static bool Unpark(HubState hub, string instanceId)
    {
        if (hub.Parked.Count == 0)
        {
            return false;
        }

        var keys = hub.Parked.Keys.Where(key => key.InstanceId == instanceId).ToArray();
        foreach (var key in keys)
        {
            hub.Parked.Remove(key);
        }

        return keys.Length > 0;
    }

    /// <summary>What an instance waits for, when nothing has happened to it for a while; at most <paramref name="limit"/> of this process's.</summary>
    public IReadOnlyList<StuckInstance> Stuck(HubState hub, TimeSpan olderThan, int limit)
    {
        lock (_gate)
        {
            var before = Now - olderThan;
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
        { Timers.Count: > 0 } => instance.Timers.Values.Min() > Now ? null : "Its timer is due.",
        _ => "It waits for an event or an entity.",
    };
}

/// <summary>An instance that does not get on.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="Status">Its status, or "parked".</param>
/// <param name="Reason">What it waits for.</param>
/// <param name="Since">Since when (UTC).</param>
internal sealed record StuckInstance(string InstanceId, string Status, string Reason, DateTime Since);
