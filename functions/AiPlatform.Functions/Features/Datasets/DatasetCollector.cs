using AiPlatform.Functions.Infrastructure;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>
/// Frees what nobody uses: manifests of versions that were deleted long enough ago, contents that no version refers to, blobs that no
/// content refers to. A bounded number in each round; a round that dies leaves nothing that the next one does not find.
/// </summary>
internal sealed class DatasetCollector(Database database, BlobStorage storage, IOptions<DatasetOptions> options, TimeProvider time) : ITickTask
{
    private const int MaxVersions = 20;
    private const int MaxContents = 500;
    private const int MaxBlobs = 500;

    async Task ITickTask.RunAsync(CancellationToken cancellationToken) => await CollectAsync(cancellationToken);

    /// <summary>One round.</summary>
    public async Task<CollectedDatasets> CollectAsync(CancellationToken cancellationToken)
    {
        var versions = await PurgeVersionsAsync(cancellationToken);
        var (contents, bytes) = await FreeContentsAsync(cancellationToken);
        return new CollectedDatasets(versions, contents, bytes, await DeleteBlobsAsync(cancellationToken));
    }

    // The row of the version stays: jobs and models name it. Its contents are looked at afterwards.
    private Task<int> PurgeVersionsAsync(CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var now = time.GetUtcNow();
                var ids = await work.QueryAsync<string>(
                    """
                    SELECT v.id FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
                    WHERE v.purged_at IS NULL AND (v.deleted_at < @before OR d.deleted_at < @before) LIMIT @MaxVersions FOR UPDATE OF v SKIP LOCKED
                    """,
                    new { before = now - options.Value.DeletedLifetime, MaxVersions });
                if (ids.Count > 0)
                {
                    await work.ExecuteAsync(
                        """
                        UPDATE dataset_contents c SET suspect_at = @now FROM dataset_files f, dataset_versions v
                        WHERE v.id = ANY(@ids) AND f.version_id = v.id AND c.project_id = v.project_id AND c.sha256 = f.sha256;
                        DELETE FROM dataset_files WHERE version_id = ANY(@ids);
                        UPDATE dataset_versions SET purged_at = @now, deleted_at = coalesce(deleted_at, @now) WHERE id = ANY(@ids)
                        """,
                        new { ids = ids.ToArray(), now });
                }

                return ids.Count;
            },
            cancellationToken);

    // Locked first, looked at second: a commit that refers to one of them has its lock, or waits for ours and then finds it gone.
    private Task<(int Contents, long Bytes)> FreeContentsAsync(CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var suspects = await work.QueryAsync<ContentKey>(
                    "SELECT project_id, sha256 FROM dataset_contents WHERE suspect_at IS NOT NULL ORDER BY suspect_at LIMIT @MaxContents FOR UPDATE SKIP LOCKED",
                    new { MaxContents });
                if (suspects.Count == 0)
                {
                    return (0, 0L);
                }

                var keys = new { projects = suspects.Select(key => key.ProjectId).ToArray(), hashes = suspects.Select(key => key.Sha256).ToArray(), now = time.GetUtcNow() };
                var unused = await work.QueryAsync<ContentKey>(
                    """
                    SELECT c.project_id, c.sha256 FROM unnest(@projects, @hashes) AS s (project_id, sha256)
                    JOIN dataset_contents c ON c.project_id = s.project_id AND c.sha256 = s.sha256
                    WHERE NOT EXISTS (SELECT 1 FROM dataset_files f JOIN dataset_versions v ON v.id = f.version_id WHERE f.sha256 = c.sha256 AND v.project_id = c.project_id)
                      AND NOT EXISTS (SELECT 1 FROM dataset_content_parts p WHERE p.project_id = c.project_id AND p.part_sha256 = c.sha256)
                    """,
                    keys);
                await work.ExecuteAsync(
                    """
                    UPDATE dataset_contents c SET suspect_at = NULL FROM unnest(@projects, @hashes) AS s (project_id, sha256)
                    WHERE c.project_id = s.project_id AND c.sha256 = s.sha256
                    """,
                    keys);
                return (unused.Count, await FreeAsync(work, unused));
            },
            cancellationToken);

    private async Task<long> FreeAsync(UnitOfWork work, List<ContentKey> unused)
    {
        var keys = new { projects = unused.Select(key => key.ProjectId).ToArray(), hashes = unused.Select(key => key.Sha256).ToArray(), now = time.GetUtcNow() };
        await work.ExecuteAsync(
            """
            UPDATE dataset_contents b SET suspect_at = @now FROM unnest(@projects, @hashes) AS s (project_id, sha256), dataset_content_parts p
            WHERE p.project_id = s.project_id AND p.sha256 = s.sha256 AND b.project_id = p.project_id AND b.sha256 = p.part_sha256
            """,
            keys);
        return await work.SingleAsync<long>(
            """
            WITH composed AS (
                SELECT DISTINCT p.project_id, p.sha256 FROM dataset_content_parts p JOIN unnest(@projects, @hashes) AS s (project_id, sha256)
                ON p.project_id = s.project_id AND p.sha256 = s.sha256),
            freed AS (
                DELETE FROM dataset_contents c USING unnest(@projects, @hashes) AS s (project_id, sha256)
                WHERE c.project_id = s.project_id AND c.sha256 = s.sha256 RETURNING c.project_id, c.sha256, c.blob, c.size_bytes),
            garbage AS (
                INSERT INTO dataset_garbage (blob, due_at)
                SELECT coalesce(f.blob, f.project_id || '/sha256/' || left(encode(f.sha256, 'hex'), 2) || '/' || encode(f.sha256, 'hex')), @now FROM freed f
                WHERE NOT EXISTS (SELECT 1 FROM composed k WHERE k.project_id = f.project_id AND k.sha256 = f.sha256)
                ON CONFLICT (blob) DO UPDATE SET due_at = excluded.due_at)
            SELECT coalesce(sum(f.size_bytes), 0)::bigint FROM freed f
            WHERE NOT EXISTS (SELECT 1 FROM composed k WHERE k.project_id = f.project_id AND k.sha256 = f.sha256)
            """,
            keys);
    }

    private async Task<int> DeleteBlobsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var due = (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT blob FROM dataset_garbage WHERE due_at <= @now ORDER BY due_at LIMIT @MaxBlobs", new { now = time.GetUtcNow(), MaxBlobs }, cancellationToken: cancellationToken))).AsList();
        await Parallel.ForEachAsync(
            due,
            new ParallelOptions { MaxDegreeOfParallelism = options.Value.VerifyConcurrency, CancellationToken = cancellationToken },
            async (blob, token) => await storage.DeleteAsync(BlobStorage.Datasets, blob, token));
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM dataset_garbage WHERE blob = ANY(@due)", new { due = due.ToArray() }, cancellationToken: cancellationToken));
        return due.Count;
    }

    private sealed class ContentKey
    {
        public required string ProjectId { get; init; }

        public required byte[] Sha256 { get; init; }
    }
}

/// <summary>What a round freed.</summary>
/// <param name="Bytes">Of blobs that are deleted with this round or one of the next.</param>
internal sealed record CollectedDatasets(int Versions, int Contents, long Bytes, int Blobs);
