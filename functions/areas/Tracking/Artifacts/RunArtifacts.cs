using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Artifacts of runs, for other areas.</summary>
internal sealed class RunArtifacts(ArtifactStore store, BlobStorage storage, IOptions<ExperimentOptions> options) : IRunArtifacts
{
    /// <inheritdoc />
    public async Task<Artifact?> FindAsync(UnitOfWork work, string runId, string path)
        => (await work.FindAsync<ArtifactRow>($"SELECT {ArtifactRow.Columns} FROM artifacts a WHERE a.run_id = @runId AND a.path = @path", new { runId, path }))?.ToContract();

    /// <inheritdoc />
    public async Task<IReadOnlyList<Artifact>> ModelsAsync(UnitOfWork work, string runId)
        => (await work.QueryAsync<ArtifactRow>(
            $"SELECT {ArtifactRow.Columns} FROM artifacts a WHERE a.run_id = @runId AND a.kind = @kind ORDER BY a.created_at, a.id",
            new { runId, kind = ArtifactKind.Model.ToText() })).ConvertAll(static row => row.ToContract());

    /// <inheritdoc />
    public async Task<Artifact?> DownloadAsync(string runId, string path, TimeSpan lifetime, CancellationToken cancellationToken)
        => await store.FindAsync(runId, path, cancellationToken) is { } row
            ? row.ToContract() with { DownloadUrl = await storage.DownloadUrlAsync(BlobStorage.Runs, row.Blob, row.Path, lifetime, cancellationToken) }
            : null;

    /// <inheritdoc />
    public Task<string> DownloadUrlAsync(string runId, string sha256, string path, CancellationToken cancellationToken)
        => storage.DownloadUrlAsync(BlobStorage.Runs, RunBlob.Name(runId, sha256, path), path, options.Value.UrlLifetime, cancellationToken);
}
