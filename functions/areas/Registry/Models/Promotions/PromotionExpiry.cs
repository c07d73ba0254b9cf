using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>Ends requests that nobody decided in time.</summary>
internal sealed class PromotionExpiry(PromotionStore promotions) : ITickTask
{
    private const int Batch = 500;

    /// <inheritdoc />
    public Task RunAsync(CancellationToken cancellationToken) => promotions.ExpireAsync(Batch, cancellationToken);
}
