using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Identity;

/// <summary>Removes expired refresh tokens.</summary>
internal sealed class IdentitySweep(IdentityStore store) : ITickTask
{
    /// <inheritdoc />
    public Task RunAsync(CancellationToken cancellationToken) => store.SweepAsync(cancellationToken);
}
