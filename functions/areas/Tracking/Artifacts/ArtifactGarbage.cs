using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Registry;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Metrics;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>
/// Releases experiments, runs and logged models that were deleted for longer than the retention. A run's row stays, so that lineage still
/// names it; its points, entries and artifacts go. A run from which live model versions came stays whole.
/// </summary>
internal sealed class ArtifactGarbage(Database database, GarbageQueue queue, DirectArtifactGarbage direct) : IGarbageRelease, IGarbageSource, IProjectPart
{
    private static readonly DeletedTable LoggedModels = new(
        "logged_models", "loggedModels", $"AND NOT EXISTS (SELECT 1 FROM {RegistryRelations.ModelOrigins} v WHERE v.logged_model_id = t.id AND v.deleted_at IS NULL)");

    private static readonly DeletedTable Runs = new(
        "runs", "runs", $"AND NOT EXISTS (SELECT 1 FROM {RegistryRelations.ModelOrigins} v WHERE v.run_id = t.id AND v.deleted_at IS NULL)");

    /// <summary>After the registry, whose versions keep their runs.</summary>
    public int Order => 2;

    /// <inheritdoc />
    public string Container => BlobStorage.Runs;

    /// <inheritdoc />
    public async Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken)
    {
        await DeletedRows.ReleaseAsync(database, round, new DeletedTable("experiments", "experiments"), ReleaseExperimentAsync, cancellationToken);
        await DeletedRows.ReleaseAsync(database, round, LoggedModels, (work, id, _) => ReleaseLoggedModelAsync(work, id), cancellationToken);
        await DeletedRows.ReleaseAsync(database, round, Runs, (work, id, _) => ReleaseRunAsync(work, id), cancellationToken);
    }

    /// <inheritdoc />
    public Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt)
        => work.ExecuteAsync(
            """
            UPDATE experiments SET deleted_at = @deletedAt WHERE project_id = @projectId AND deleted_at IS NULL;
            DELETE FROM run_views WHERE project_id = @projectId
            """,
            new { projectId, deletedAt });

    /// <inheritdoc />
    public async Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names)
    {
        // An upload is copied when it is used: nothing refers to it.
        var blobs = names.Select(RunBlob.Parse).OfType<RunBlob>().ToList();
        return await work.QueryAsync<string>(
            """
            SELECT name FROM unnest(@names, @owners, @hashes, @paths) AS b (name, owner, sha256, path)
            WHERE EXISTS (SELECT 1 FROM artifacts a WHERE a.run_id = b.owner AND a.path = b.path AND a.sha256 = b.sha256)
               OR EXISTS (SELECT 1 FROM logged_model_artifacts l WHERE l.model_id = b.owner AND l.path = b.path AND l.sha256 = b.sha256)
            """,
            RunBlob.Columns(blobs));
    }

    // What is deleted as a whole takes its parts along; these are then released like any other.
    private static Task ReleaseExperimentAsync(UnitOfWork work, string id, DateTimeOffset deletedAt)
        => work.ExecuteAsync(
            """
            UPDATE runs SET deleted_at = @deletedAt WHERE experiment_id = @id AND deleted_at IS NULL;
            UPDATE logged_models SET deleted_at = @deletedAt WHERE experiment_id = @id AND deleted_at IS NULL
            """,
            new { id, deletedAt });

    private async Task ReleaseLoggedModelAsync(UnitOfWork work, string id)
    {
        await work.ExecuteAsync("DELETE FROM logged_model_metrics WHERE model_id = @id", new { id });
        await AddAsync(work, await work.QueryAsync<Blob>("DELETE FROM logged_model_artifacts WHERE model_id = @id RETURNING model_id AS owner, path, sha256, size_bytes", new { id }));
    }

    private async Task ReleaseRunAsync(UnitOfWork work, string id)
    {
        // Keeps folding and compaction of this run apart.
        await MetricSummaries.LockAsync(work, [id]);
        await work.ExecuteAsync(
            """
            DELETE FROM metric_fresh WHERE run_id = @id;
            DELETE FROM metric_pending WHERE run_id = @id;
            DELETE FROM metric_log WHERE run_id = @id;
            DELETE FROM metric_chunks WHERE run_id = @id;
            DELETE FROM metric_summaries WHERE run_id = @id;
            DELETE FROM metric_sources WHERE run_id = @id;
            DELETE FROM run_params WHERE run_id = @id;
            DELETE FROM run_tags WHERE run_id = @id;
            DELETE FROM run_notes WHERE run_id = @id;
            DELETE FROM run_resumes WHERE run_id = @id;
            DELETE FROM run_inputs WHERE run_id = @id;
            DELETE FROM run_models WHERE run_id = @id
            """,
            new { id });
        await AddAsync(work, await work.QueryAsync<Blob>("DELETE FROM artifacts WHERE run_id = @id RETURNING run_id AS owner, path, sha256, size_bytes", new { id }));
        await direct.ReleaseAsync(work, id);
    }

    private Task AddAsync(UnitOfWork work, IEnumerable<Blob> blobs)
        => queue.AddAsync(
            work, BlobStorage.Runs, [.. blobs.Select(static blob => new GarbageBlob(RunBlob.Name(blob.Owner, Convert.ToHexStringLower(blob.Sha256), blob.Path), blob.SizeBytes))]);

    private sealed record Blob
    {
        public required string Owner { get; init; }

        public required string Path { get; init; }

        public required byte[] Sha256 { get; init; }

        public long? SizeBytes { get; init; }
    }
}
