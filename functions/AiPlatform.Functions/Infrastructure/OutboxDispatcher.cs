using AiPlatform.Hosting;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>Delivers outbox rows to the task hub.</summary>
internal sealed class OutboxDispatcher(StartupState state, TimeProvider time, ILogger<OutboxDispatcher> logger) : BackgroundLoop(time, logger)
{
    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        return false;
    }
}
