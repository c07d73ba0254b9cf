using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <content>What others may look at.</content>
internal sealed partial class HubEngine
{
    /// <summary>Reads what is durable.</summary>
    public HubReader Reader => _reader;

    /// <summary>Sets the gauges.</summary>
    public void Observe()
    {
        lock (_gate)
        {
            Metrics.OwnedPartitions.Set(_owned.Count(owned => owned));
            foreach (var hub in _hubs.Values)
            {
                Metrics.LiveInstances.WithLabels(hub.Name).Set(hub.Instances.Count);
                Metrics.WaitingTurns.WithLabels(hub.Name).Set(hub.Turns.Count);
                Metrics.WaitingActivities.WithLabels(hub.Name).Set(hub.Activities.Count);
                Metrics.OldestTurn.WithLabels(hub.Name).Set(hub.Turns.Age.TotalSeconds);
                Metrics.OldestActivity.WithLabels(hub.Name).Set(hub.Activities.Age.TotalSeconds);
                Metrics.ParkedItems.WithLabels(hub.Name).Set(hub.Parked.Count);
                Metrics.WaitingEntities.WithLabels(hub.Name).Set(hub.Batches.Count);
                Metrics.Workers.WithLabels(hub.Name).Set(hub.Workers.Count);
            }
        }
    }
}
