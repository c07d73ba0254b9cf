using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Data.Datasets;

/// <summary>
/// Releases manifests of versions that were deleted for longer than the retention, and contents that no version refers to. The row of a
/// version stays: jobs, models and lineage name it. A content whose parts others are made of stays until they go.
/// </summary>
internal sealed class DatasetGarbage(Database database, GarbageQueue queue) : IGarbageRelease, IGarbageSource
{
    private const int MaxVersions = 20;
    private const int MaxContents = 500;
    private const int MaxBatches = 10;

    /// <summary>After jobs, which name versions.</summary>
    public int Order => 3;

    /// <inheritdoc />
    public string Container => BlobStorage.Datasets;

    /// <inheritdoc />
    public async Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken)
    {
        await database.InWorkAsync(work => ReleaseVersionsAsync(work, round), cancellationToken);

        // A content that goes may have been the last that kept parts of others: they are looked at in the next batch.
        for (var batch = 0; batch < MaxBatches && await database.InWorkAsync(work => ReleaseContentsAsync(work, round), cancellationToken); batch++)
        {
        }
    }

    /// <inheritdoc />
    public async Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names)
        => await work.QueryAsync<string>(
            """
            SELECT n.name FROM unnest(@names) AS n (name)
            WHERE EXISTS (SELECT 1 FROM dataset_contents c WHERE c.blob = n.name)
               OR (n.name ~ '^[0-9a-f]{32}/sha256/[0-9a-f]{2}/[0-9a-f]{64}$' AND EXISTS (
                   SELECT 1 FROM dataset_contents c
                   WHERE c.project_id = split_part(n.name, '/', 1) AND c.blob IS NULL
                     AND c.sha256 = CASE WHEN n.name ~ '/[0-9a-f]{64}$' THEN decode(right(n.name, 64), 'hex') END
                     AND NOT EXISTS (SELECT 1 FROM dataset_content_parts p WHERE p.project_id = c.project_id AND p.sha256 = c.sha256)))
            """,
            new { names });

    private static async Task ReleaseVersionsAsync(UnitOfWork work, GarbageRound round)
    {
        var ids = await work.QueryAsync<string>(
            $"""
            SELECT v.id FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id JOIN {IdentityRelations.Projects} p ON p.id = v.project_id
            WHERE v.purged_at IS NULL AND (v.deleted_at < @DeletedBefore OR d.deleted_at < @DeletedBefore OR p.purged_at IS NOT NULL)
            LIMIT @MaxVersions FOR UPDATE OF v SKIP LOCKED
            """,
            new { round.DeletedBefore, MaxVersions });
        if (ids.Count == 0)
        {
            return;
        }

        await work.ExecuteAsync(
            """
            UPDATE dataset_contents c SET suspect_at = @StartedAt FROM dataset_files f, dataset_versions v
            WHERE v.id = ANY(@ids) AND f.version_id = v.id AND c.project_id = v.project_id AND c.sha256 = f.sha256;
            DELETE FROM dataset_files WHERE version_id = ANY(@ids);
            UPDATE dataset_versions SET purged_at = @StartedAt, deleted_at = coalesce(deleted_at, @StartedAt) WHERE id = ANY(@ids)
            """,
            new { ids = ids.ToArray(), round.StartedAt });
        await round.CountAsync(work, "datasetVersions", ids.Count);
    }

    // Locked first, looked at second: a commit that refers to one of them has its lock, or waits for ours and then finds it gone.
    private async Task<bool> ReleaseContentsAsync(UnitOfWork work, GarbageRound round)
    {
        var suspects = await work.QueryAsync<Content>(
            "SELECT project_id, sha256 FROM dataset_contents WHERE suspect_at IS NOT NULL ORDER BY suspect_at LIMIT @MaxContents FOR UPDATE SKIP LOCKED",
            new { MaxContents });
        if (suspects.Count == 0)
        {
            return false;
        }

        var unused = await work.QueryAsync<Content>(
            """
            UPDATE dataset_contents c SET suspect_at = NULL FROM unnest(@projects, @hashes) AS s (project_id, sha256)
            WHERE c.project_id = s.project_id AND c.sha256 = s.sha256
            RETURNING c.project_id, c.sha256,
                EXISTS (SELECT 1 FROM dataset_files f JOIN dataset_versions v ON v.id = f.version_id WHERE f.sha256 = c.sha256 AND v.project_id = c.project_id)
                OR EXISTS (SELECT 1 FROM dataset_content_parts p WHERE p.project_id = c.project_id AND p.part_sha256 = c.sha256) AS is_used
            """,
            Content.Keys(suspects, round));
        unused.RemoveAll(static content => content.IsUsed);
        await queue.AddAsync(work, Container, [.. (await DeleteAsync(work, unused, round)).Select(static content => new GarbageBlob(content.Blob, content.SizeBytes))]);
        await round.CountAsync(work, "datasetContents", unused.Count);
        return true;
    }

    // What is made of parts has no blob of its own; its parts are looked at next.
    private static async Task<List<Freed>> DeleteAsync(UnitOfWork work, List<Content> unused, GarbageRound round)
    {
        var keys = Content.Keys(unused, round);
        var made = await work.QueryAsync<string>(
            """
            UPDATE dataset_contents b SET suspect_at = @now FROM unnest(@projects, @hashes) AS s (project_id, sha256), dataset_content_parts p
            WHERE p.project_id = s.project_id AND p.sha256 = s.sha256 AND b.project_id = p.project_id AND b.sha256 = p.part_sha256
            RETURNING p.project_id || '/' || encode(p.sha256, 'hex')
            """,
            keys);
        var freed = await work.QueryAsync<Freed>(
            """
            DELETE FROM dataset_contents c USING unnest(@projects, @hashes) AS s (project_id, sha256)
            WHERE c.project_id = s.project_id AND c.sha256 = s.sha256
            RETURNING c.project_id || '/' || encode(c.sha256, 'hex') AS key, c.size_bytes,
                coalesce(c.blob, c.project_id || '/sha256/' || left(encode(c.sha256, 'hex'), 2) || '/' || encode(c.sha256, 'hex')) AS blob
            """,
            keys);
        freed.RemoveAll(content => made.Contains(content.Key));
        return freed;
    }

    private sealed class Content
    {
        public required string ProjectId { get; init; }

        public required byte[] Sha256 { get; init; }

        public bool IsUsed { get; init; }

        public static object Keys(List<Content> contents, GarbageRound round) => new
        {
            projects = contents.Select(static content => content.ProjectId).ToArray(),
            hashes = contents.Select(static content => content.Sha256).ToArray(),
            now = round.StartedAt,
        };
    }

    private sealed class Freed
    {
        public required string Key { get; init; }

        public long SizeBytes { get; init; }

        public required string Blob { get; init; }
    }
}
