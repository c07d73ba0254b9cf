using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Metrics;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>
/// Releases projects, experiments, runs, models and logged models that were deleted for longer than the retention. A run's row
/// stays, so that lineage still names it; its points, entries and artifacts go. A run from which live model versions came stays whole.
/// </summary>
internal sealed class ArtifactGarbage(Database database, GarbageQueue queue, IDirectArtifacts direct) : IGarbageSource
{
    private const int MaxPerRound = 50;

    /// <inheritdoc />
    public string Container => BlobStorage.Runs;

    /// <inheritdoc />
    public async Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken)
    {
        // What is deleted as a whole takes its parts along; these are then released like any other.
        await ReleaseWholeAsync(
            round,
            "projects",
            """
            UPDATE experiments e SET deleted_at = p.deleted_at FROM projects p WHERE p.id = @id AND e.project_id = p.id AND e.deleted_at IS NULL;
            UPDATE models m SET deleted_at = p.deleted_at FROM projects p WHERE p.id = @id AND m.project_id = p.id AND m.deleted_at IS NULL
            """,
            cancellationToken);
        await ReleaseWholeAsync(
            round,
            "experiments",
            """
            UPDATE runs r SET deleted_at = e.deleted_at FROM experiments e WHERE e.id = @id AND r.experiment_id = e.id AND r.deleted_at IS NULL;
            UPDATE logged_models l SET deleted_at = e.deleted_at FROM experiments e WHERE e.id = @id AND l.experiment_id = e.id AND l.deleted_at IS NULL
            """,
            cancellationToken);
        await ReleaseWholeAsync(
            round,
            "models",
            "UPDATE model_versions v SET deleted_at = m.deleted_at FROM models m WHERE m.id = @id AND v.model_id = m.id AND v.deleted_at IS NULL",
            cancellationToken);
        await ReleaseEachAsync(round, "modelVersions", "model_versions", string.Empty, ReleaseVersionAsync, cancellationToken);
        await ReleaseEachAsync(
            round,
            "loggedModels",
            "logged_models",
            "AND NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.logged_model_id = t.id AND v.deleted_at IS NULL)",
            ReleaseLoggedModelAsync,
            cancellationToken);
        await ReleaseEachAsync(
            round, "runs", "runs", "AND NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = t.id AND v.deleted_at IS NULL)", ReleaseRunAsync, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names)
    {
        // An upload is copied when it is used: nothing refers to it.
        var blobs = names.Select(ArtifactBlob.Parse).OfType<ArtifactBlob>().ToList();
        return await work.QueryAsync<string>(
            """
            SELECT name FROM unnest(@names, @owners, @hashes, @paths) AS b (name, owner, sha256, path)
            WHERE EXISTS (SELECT 1 FROM artifacts a WHERE a.run_id = b.owner AND a.path = b.path AND a.sha256 = b.sha256)
               OR EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = b.owner AND v.artifact_path = b.path AND v.sha256 = b.sha256 AND v.purged_at IS NULL)
               OR EXISTS (SELECT 1 FROM logged_model_artifacts l WHERE l.model_id = b.owner AND l.path = b.path AND l.sha256 = b.sha256)
            """,
            new
            {
                names = blobs.ConvertAll(static blob => blob.Name).ToArray(),
                owners = blobs.ConvertAll(static blob => blob.Owner).ToArray(),
                hashes = blobs.ConvertAll(static blob => blob.Sha256).ToArray(),
                paths = blobs.ConvertAll(static blob => blob.Path).ToArray(),
            });
    }

    // Table and statements are constants of this class.
    private Task ReleaseWholeAsync(GarbageRound round, string table, string deleteParts, CancellationToken cancellationToken)
        => ReleaseEachAsync(round, table, table, string.Empty, (work, id) => work.ExecuteAsync(deleteParts, new { id }), cancellationToken);

    private async Task ReleaseEachAsync(
        GarbageRound round, string kind, string table, string condition, Func<UnitOfWork, string, Task> release, CancellationToken cancellationToken)
    {
        for (var released = 0; released < MaxPerRound; released++)
        {
            var found = await database.InWorkAsync(
                async work =>
                {
                    // Locked: a restore waits, and then finds it purged.
                    var id = (await work.QueryAsync<string>(
                        $"""
                        SELECT t.id FROM {table} t WHERE t.deleted_at < @DeletedBefore AND t.purged_at IS NULL {condition}
                        ORDER BY t.deleted_at LIMIT 1 FOR UPDATE OF t SKIP LOCKED
                        """,
                        new { round.DeletedBefore })).FirstOrDefault();
                    if (id is null)
                    {
                        return false;
                    }

                    await work.ExecuteAsync($"UPDATE {table} SET purged_at = @StartedAt WHERE id = @id", new { id, round.StartedAt });
                    await release(work, id);
                    await round.CountAsync(work, kind, 1);
                    return true;
                },
                cancellationToken);
            if (!found)
            {
                return;
            }
        }
    }

    private async Task ReleaseVersionAsync(UnitOfWork work, string id)
    {
        await work.ExecuteAsync("DELETE FROM model_aliases a USING model_versions v WHERE v.id = @id AND a.model_id = v.model_id AND a.version = v.version", new { id });
        await AddAsync(work, await work.QueryAsync<Blob>("SELECT run_id AS owner, artifact_path AS path, sha256, size_bytes FROM model_versions WHERE id = @id AND sha256 IS NOT NULL", new { id }));
    }

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
            DELETE FROM run_inputs WHERE run_id = @id;
            DELETE FROM run_models WHERE run_id = @id
            """,
            new { id });
        await AddAsync(work, await work.QueryAsync<Blob>("DELETE FROM artifacts WHERE run_id = @id RETURNING run_id AS owner, path, sha256, size_bytes", new { id }));
        await direct.ReleaseAsync(work, id);
    }

    private Task AddAsync(UnitOfWork work, IEnumerable<Blob> blobs)
        => queue.AddAsync(
            work, BlobStorage.Runs, [.. blobs.Select(static blob => new GarbageBlob(ArtifactRow.BlobName(blob.Owner, Convert.ToHexStringLower(blob.Sha256), blob.Path), blob.SizeBytes))]);

    private sealed record Blob
    {
        public required string Owner { get; init; }

        public required string Path { get; init; }

        public required byte[] Sha256 { get; init; }

        public long? SizeBytes { get; init; }
    }
}
