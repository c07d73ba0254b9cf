using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Poison work: what was delivered in vain too often is parked until its instance is resumed. Guarded by the engine's lock.</summary>
internal sealed class Parking(EngineContext context)
{
    /// <summary>Parks a turn or an entity's batch when it has failed often enough. Called under the lock.</summary>
    public bool ParkIfPoison(HubState hub, string instanceId, int failures, Abandonments abandonments)
        => (failures >= context.Options.MaxDeliveries && Park(hub, instanceId, ParkedRow.Whole, $"It was delivered {failures} times and its workers were lost."))
            || (IsPoison(abandonments) && Park(hub, instanceId, ParkedRow.Whole, GivenBack("It", abandonments)));

    /// <summary>Parks an activity when it has failed often enough. Called under the lock.</summary>
    public bool ParkIfPoison(PendingActivity activity)
    {
        var subject = $"Activity '{activity.Scheduled.Name}'";
        var reason = activity.Deliveries >= context.Options.MaxDeliveries ? $"{subject} was delivered {activity.Deliveries} times and its workers were lost."
            : IsPoison(activity.Abandonments) ? GivenBack(subject, activity.Abandonments)
            : null;
        activity.IsParked = reason is not null && Park(activity.Instance.Hub, activity.Instance.Id, activity.TaskId, reason);
        return activity.IsParked;
    }

    /// <summary>Forgets that work of an instance is parked.</summary>
    public static bool Unpark(HubState hub, string instanceId)
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

    private bool IsPoison(Abandonments abandonments) => abandonments.IsPoison(context.Options.MaxDeliveries, context.Options.AbandonPatience, context.Now);

    private static string GivenBack(string subject, Abandonments abandonments)
        => $"{subject} was given back by workers {abandonments.Count} times since {abandonments.Since:O}: none takes its version, or it fails outside its code.";

    private bool Park(HubState hub, string instanceId, int taskId, string reason)
    {
        var row = new ParkedRow(hub.Id, instanceId, taskId, reason, context.Now);
        hub.Parked[(instanceId, taskId)] = row;
        Metrics.Parked.Inc();
        Logs.Parked(context.Logger, instanceId, reason);
        _ = context.Write(new Commit { Parked = row });
        return true;
    }
}
