using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;

namespace AiPlatform.Identity.Accounts;

/// <summary>Removes expired refresh tokens, and counts of failures that are long past.</summary>
internal sealed class IdentitySweep(IdentityStore store, LoginThrottle throttle) : ITickTask
{
    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await store.SweepAsync(cancellationToken);
        await throttle.SweepAsync(cancellationToken);
    }
}
