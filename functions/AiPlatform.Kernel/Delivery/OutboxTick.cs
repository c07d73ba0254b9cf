using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;

namespace AiPlatform.Kernel.Delivery;

/// <summary>Looks at the outbox at each tick: on a plan that scales to zero the loop itself may not be running.</summary>
public sealed class OutboxTick(IOutbox outbox) : ITickTask
{
    /// <inheritdoc />
    public Task RunAsync(CancellationToken cancellationToken)
    {
        outbox.Wake();
        return Task.CompletedTask;
    }
}
