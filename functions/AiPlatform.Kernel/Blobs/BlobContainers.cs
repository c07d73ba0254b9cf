using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Blobs;

/// <summary>Creates the blob containers as soon as the storage is there. Requests are served before that; the instance calls itself ready after it.</summary>
public sealed class BlobContainers(BlobStorage storage, TimeProvider time, ILogger<BlobContainers> logger) : BackgroundLoop(time, logger)
{
    private volatile bool _created;

    /// <summary>Whether the containers have been there once in this process's life.</summary>
    public bool AreCreated => _created;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(5);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await storage.EnsureContainersAsync(cancellationToken);
        _created = true;
        return false;
    }
}
