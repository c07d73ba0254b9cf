using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Parked work that gets another chance.</summary>
internal sealed class ParkedWork(EngineContext context, OwnedPartitions partitions, ActivityDelivery activities, Entities entities)
{
    /// <summary>Gives parked work of an instance or entity another chance.</summary>
    public Task UnparkAsync(HubState hub, string instanceId)
    {
        lock (context.Gate)
        {
            partitions.RequireOwned(instanceId);
            if (!Parking.Unpark(hub, instanceId))
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
                    entities.Activate(entity);
                }
            };
            return context.Write(commit);
        }
    }

    private void Again(LiveInstance instance)
    {
        if (instance is { Stage: TurnStage.Ready, Turn: null, FailedDeliveries: > 0 })
        {
            instance.FailedDeliveries = 0;
            instance.Abandonments = default;
            TurnDelivery.Enqueue(instance);
        }

        foreach (var activity in instance.Activities.Values.Where(activity => activity.IsParked).ToArray())
        {
            activity.Revive();
            activities.Enqueue(activity);
        }
    }
}
