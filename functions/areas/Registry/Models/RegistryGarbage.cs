using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>
/// Releases models and versions that were deleted for longer than the retention. A version's row stays, so that lineage still names it; its
/// aliases go, and its bytes, unless the run still has them.
/// </summary>
internal sealed class RegistryGarbage(Database database, GarbageQueue queue) : IGarbageRelease, IGarbageSource, IProjectPart
{
    /// <summary>Before runs: one from which live versions came stays whole.</summary>
    public int Order => 1;

    /// <inheritdoc />
    public string Container => BlobStorage.Runs;

    /// <inheritdoc />
    public async Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken)
    {
        await DeletedRows.ReleaseAsync(
            database,
            round,
            new DeletedTable("models", "models"),
            (work, id, deletedAt) => work.ExecuteAsync(
                """
                UPDATE model_versions SET deleted_at = @deletedAt WHERE model_id = @id AND deleted_at IS NULL;
                DELETE FROM model_cards WHERE model_id = @id;
                DELETE FROM model_promotions WHERE model_id = @id;
                DELETE FROM model_promotion_rules WHERE model_id = @id;
                DELETE FROM model_moves WHERE model_id = @id
                """,
                new { id, deletedAt }),
            cancellationToken);
        await DeletedRows.ReleaseAsync(database, round, new DeletedTable("model_versions", "modelVersions"), (work, id, _) => ReleaseVersionAsync(work, id), cancellationToken);
    }

    /// <inheritdoc />
    public async Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt)
        => await work.ExecuteAsync(
            """
            UPDATE models SET deleted_at = @deletedAt WHERE project_id = @projectId AND deleted_at IS NULL;
            DELETE FROM webhooks WHERE project_id = @projectId
            """,
            new { projectId, deletedAt });

    /// <inheritdoc />
    public async Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names)
    {
        var blobs = names.Select(RunBlob.Parse).OfType<RunBlob>().ToList();
        return await work.QueryAsync<string>(
            """
            SELECT name FROM unnest(@names, @owners, @hashes, @paths) AS b (name, owner, sha256, path)
            WHERE EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = b.owner AND v.artifact_path = b.path AND v.sha256 = b.sha256 AND v.purged_at IS NULL)
            """,
            RunBlob.Columns(blobs));
    }

    private async Task ReleaseVersionAsync(UnitOfWork work, string id)
    {
        await work.ExecuteAsync("DELETE FROM model_aliases a USING model_versions v WHERE v.id = @id AND a.model_id = v.model_id AND a.version = v.version", new { id });
        var blobs = await work.QueryAsync<(string Owner, string Path, byte[] Sha256, long? Size)>(
            "SELECT run_id, artifact_path, sha256, size_bytes FROM model_versions WHERE id = @id AND sha256 IS NOT NULL", new { id });
        await queue.AddAsync(work, BlobStorage.Runs, blobs.ConvertAll(static blob => new GarbageBlob(RunBlob.Name(blob.Owner, Convert.ToHexStringLower(blob.Sha256), blob.Path), blob.Size)));
    }
}
