using AiPlatform.Hosting;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>Creates the blob containers as soon as the storage is there; the rest of the app does not wait for it.</summary>
internal sealed class BlobContainers(BlobStorage storage, TimeProvider time, ILogger<BlobContainers> logger) : BackgroundLoop(time, logger)
{
    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(5);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await storage.EnsureContainersAsync(cancellationToken);
        return false;
    }
}
