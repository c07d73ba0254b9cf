using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Models.Promotions;

/// <summary>Ends requests that nobody decided in time.</summary>
internal sealed class PromotionExpiry(PromotionStore promotions) : ITickTask
{
    private const int Batch = 500;

    /// <inheritdoc />
    public Task RunAsync(CancellationToken cancellationToken) => promotions.ExpireAsync(Batch, cancellationToken);
}
