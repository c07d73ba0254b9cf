using AiPlatform.Kernel.Tick;

namespace AiPlatform.Kernel.Delivery;

/// <summary>Wakes every channel at each tick (on a plan that scales to zero the loops themselves may not be running) and measures what waits.</summary>
public sealed class DeliveryTick(IEnumerable<DeliveryQueue> queues) : ITickTask
{
    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var queue in queues)
        {
            queue.Wake();
            var counts = await queue.CountAsync(cancellationToken);
            DeliveryMetrics.Waiting.WithLabels(queue.Channel).Set(counts.Waiting);
            DeliveryMetrics.ParkedNow.WithLabels(queue.Channel).Set(counts.Parked);
        }
    }
}
