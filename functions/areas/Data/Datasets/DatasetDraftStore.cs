using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using NpgsqlTypes;

namespace AiPlatform.Data.Datasets;

/// <summary>Drafts of versions: their manifests, and what of them is not stored yet.</summary>
internal sealed class DatasetDraftStore(Database database, TimeProvider time)
{
    /// <summary>Writes a draft with its whole manifest, or goes on with the caller's draft of the same manifest.</summary>
    public Task<DatasetVersionRow> DraftAsync(
        DatasetRow dataset, Manifest manifest, CreateDatasetVersionRequest request, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                // The lock makes two equal requests find each other.
                var taken = await work.ExecuteAsync(
                    "UPDATE datasets SET updated_at = @now WHERE id = @id AND deleted_at IS NULL", new { id = dataset.Id, now = time.GetUtcNow() });
                if (taken == 0)
                {
                    throw ApiException.NotFound("dataset", dataset.Id);
                }

                return await FindSameAsync(work, dataset, manifest, request, caller) ?? await InsertAsync(work, dataset, manifest, request, caller);
            },
            cancellationToken);

    /// <summary>One file for each content that the project has not verified yet.</summary>
    public async Task<IReadOnlyList<DatasetFileRow>> ListMissingAsync(DatasetVersionRow version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<MissingRow>(new CommandDefinition(
            """
            SELECT DISTINCT ON (f.sha256) f.path, f.size_bytes, f.sha256, k.chunks FROM dataset_files f
            LEFT JOIN dataset_draft_chunks k ON k.version_id = f.version_id AND k.sha256 = f.sha256
            WHERE f.version_id = @id
              AND NOT EXISTS (SELECT 1 FROM dataset_contents c WHERE c.project_id = @projectId AND c.sha256 = f.sha256 AND c.size_bytes = f.size_bytes)
            ORDER BY f.sha256, f.path
            """,
            new { id = version.Id, projectId = version.ProjectId },
            cancellationToken: cancellationToken));
        return [.. rows.Select(row => row.ToFile())];
    }

    /// <summary>Where the project has these chunks, by hash in hex; what it does not have is left out.</summary>
    public async Task<IReadOnlyDictionary<string, KnownChunk>> FindChunksAsync(string projectId, IEnumerable<Chunk> chunks, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<KnownChunk>(new CommandDefinition(
            """
            SELECT k.sha256, k.length, k.content_sha256, k.content_offset, c.blob FROM dataset_chunks k
            JOIN dataset_contents c ON c.project_id = k.project_id AND c.sha256 = k.content_sha256
            WHERE k.project_id = @projectId AND k.sha256 = ANY(@hashes)
            """,
            new { projectId, hashes = chunks.Select(chunk => chunk.Sha256).ToArray() },
            cancellationToken: cancellationToken));
        return rows.ToDictionary(row => Convert.ToHexStringLower(row.Sha256), StringComparer.Ordinal);
    }

    /// <summary>Deletes a draft; false when it is none (any more).</summary>
    public Task<bool> DeleteAsync(string versionId, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                if (await work.FindAsync<string>("SELECT id FROM dataset_versions WHERE id = @versionId AND status = 'draft' FOR UPDATE", new { versionId }) is null)
                {
                    return false;
                }

                // What it had stored already may be nobody's now.
                await work.ExecuteAsync(
                    """
                    UPDATE dataset_contents c SET suspect_at = @now FROM dataset_files f, dataset_versions v
                    WHERE f.version_id = @versionId AND v.id = @versionId AND c.project_id = v.project_id AND c.sha256 = f.sha256;
                    DELETE FROM dataset_files WHERE version_id = @versionId;
                    DELETE FROM dataset_versions WHERE id = @versionId
                    """,
                    new { versionId, now = time.GetUtcNow() });
                return true;
            },
            cancellationToken);

    private static Task<DatasetVersionRow?> FindSameAsync(
        UnitOfWork work, DatasetRow dataset, Manifest manifest, CreateDatasetVersionRequest request, Caller caller)
        => work.FindAsync<DatasetVersionRow>(
            $"""
            SELECT {DatasetVersionRow.Columns} FROM dataset_versions v
            WHERE v.dataset_id = @id AND v.status = 'draft' AND v.digest = @digest AND v.created_by = @by AND v.parent IS NOT DISTINCT FROM @parent
            ORDER BY v.version DESC LIMIT 1
            """,
            new { id = dataset.Id, digest = manifest.Digest, by = caller.UserId, parent = request.Parent });

    private async Task<DatasetVersionRow> InsertAsync(
        UnitOfWork work, DatasetRow dataset, Manifest manifest, CreateDatasetVersionRequest request, Caller caller)
    {
        var version = await work.SingleAsync<DatasetVersionRow>(
            $"""
            WITH number AS (UPDATE datasets SET last_version = last_version + 1 WHERE id = @datasetId RETURNING last_version)
            INSERT INTO dataset_versions AS v
                (id, dataset_id, project_id, version, status, description, file_count, size_bytes, digest, parent, tags, created_by, created_at)
            SELECT @id, @datasetId, @projectId, last_version, 'draft', @description, @files, @bytes, @digest, @parent, @tags::jsonb, @by, @now FROM number
            RETURNING {DatasetVersionRow.Columns}
            """,
            new
            {
                id = Ids.New(time),
                datasetId = dataset.Id,
                projectId = dataset.ProjectId,
                description = request.Description,
                files = manifest.Files.Count,
                bytes = manifest.TotalBytes,
                digest = manifest.Digest,
                parent = request.Parent,
                tags = DatasetTags.ToJson(request.Tags) ?? "{}",
                by = caller.UserId,
                now = time.GetUtcNow(),
            });
        await work.InsertManyAsync(
            "INSERT INTO dataset_files (version_id, path, size_bytes, sha256) SELECT $1, * FROM unnest($2, $3, $4)",
            (version.Id, NpgsqlDbType.Text),
            (manifest.Files.Select(file => file.Path).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text),
            (manifest.Files.Select(file => file.SizeBytes).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint),
            (manifest.Files.Select(file => file.Sha256).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea));
        var chunked = manifest.Files.Where(file => file.Chunks is not null).DistinctBy(file => file.Hex, StringComparer.Ordinal).ToList();
        await work.InsertManyAsync(
            "INSERT INTO dataset_draft_chunks (version_id, sha256, chunks) SELECT $1, * FROM unnest($2, $3)",
            (version.Id, NpgsqlDbType.Text),
            (chunked.Select(file => file.Sha256).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea),
            (chunked.Select(file => ChunkList.ToBytes(file.Chunks!)).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea));
        return version;
    }

    private sealed class MissingRow
    {
        public required string Path { get; init; }

        public long SizeBytes { get; init; }

        public required byte[] Sha256 { get; init; }

        public byte[]? Chunks { get; init; }

        public DatasetFileRow ToFile() => new()
        {
            Path = Path,
            SizeBytes = SizeBytes,
            Sha256 = Sha256,
            Chunks = Chunks is not null && ChunkList.TryRead(Chunks, out var chunks) ? chunks : null,
        };
    }
}

/// <summary>Where a chunk lies.</summary>
internal sealed class KnownChunk
{
    public required byte[] Sha256 { get; init; }

    public int Length { get; init; }

    /// <summary>A content that is one blob.</summary>
    public required byte[] ContentSha256 { get; init; }

    public long ContentOffset { get; init; }

    /// <summary>Null for contents of before blobs had names of their own.</summary>
    public string? Blob { get; init; }
}
