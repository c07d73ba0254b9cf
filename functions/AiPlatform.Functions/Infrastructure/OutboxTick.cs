namespace AiPlatform.Functions.Infrastructure;

/// <summary>Looks at the outbox at each tick: on a plan that scales to zero the loop itself may not be running.</summary>
internal sealed class OutboxTick(IOutbox outbox) : ITickTask
{
    /// <inheritdoc />
    public Task RunAsync(CancellationToken cancellationToken)
    {
        outbox.Wake();
        return Task.CompletedTask;
    }
}
