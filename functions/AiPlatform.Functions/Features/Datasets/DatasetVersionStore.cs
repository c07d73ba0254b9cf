using AiPlatform.Contracts.Datasets;
using AiPlatform.Functions.Infrastructure;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>Versions, their manifests and the verified contents of a project.</summary>
internal sealed class DatasetVersionStore(Database database, EventStream events, TimeProvider time)
{
    /// <summary>Writes a draft with its whole manifest.</summary>
    public Task<DatasetVersionRow> DraftAsync(DatasetRow dataset, Manifest manifest, string? description, Caller caller, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                var version = await connection.QuerySingleOrDefaultAsync<DatasetVersionRow>(new CommandDefinition(
                    $"""
                    WITH number AS (
                        UPDATE datasets SET last_version = last_version + 1, updated_at = @now
                        WHERE id = @datasetId AND deleted_at IS NULL RETURNING last_version
                    )
                    INSERT INTO dataset_versions AS v
                        (id, dataset_id, project_id, version, status, description, file_count, size_bytes, digest, created_by, created_at)
                    SELECT @id, @datasetId, @projectId, last_version, 'draft', @description, @files, @bytes, @digest, @by, @now FROM number
                    RETURNING {DatasetVersionRow.Columns}
                    """,
                    new
                    {
                        id = Ids.New(time),
                        datasetId = dataset.Id,
                        projectId = dataset.ProjectId,
                        description,
                        files = manifest.Files.Count,
                        bytes = manifest.TotalBytes,
                        digest = manifest.Digest,
                        by = caller.UserId,
                        now = time.GetUtcNow(),
                    },
                    transaction,
                    cancellationToken: cancellationToken)) ?? throw ApiException.NotFound("dataset", dataset.Id);
                await InsertFilesAsync(connection, transaction, version.Id, manifest, cancellationToken);
                return version;
            },
            cancellationToken);

    /// <summary>A version by number.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetVersionRow> GetAsync(string projectId, string dataset, int version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetVersionRow>(new CommandDefinition(
                $"""
                SELECT {DatasetVersionRow.Columns} FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
                WHERE v.project_id = @projectId AND v.version = @version AND d.deleted_at IS NULL AND (d.id = @dataset OR lower(d.name) = lower(@dataset))
                """,
                new { projectId, dataset, version },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("datasetVersion", $"{dataset}@{version}");
    }

    /// <summary>One more version than asked for, newest first.</summary>
    public async Task<IEnumerable<DatasetVersionRow>> ListAsync(string datasetId, int? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<DatasetVersionRow>(new CommandDefinition(
            $"""
            SELECT {DatasetVersionRow.Columns} FROM dataset_versions v
            WHERE v.dataset_id = @datasetId AND (@before::int IS NULL OR v.version < @before)
            ORDER BY v.version DESC LIMIT @limit
            """,
            new { datasetId, before, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>One more file than asked for, by path.</summary>
    public async Task<IEnumerable<DatasetFileRow>> ListFilesAsync(string versionId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<DatasetFileRow>(new CommandDefinition(
            """
            SELECT path, size_bytes, sha256 FROM dataset_files
            WHERE version_id = @versionId AND (@after::text IS NULL OR path > @after) ORDER BY path LIMIT @limit
            """,
            new { versionId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>One file for each content that the project has not verified yet.</summary>
    public async Task<IReadOnlyList<DatasetFileRow>> ListMissingAsync(DatasetVersionRow version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<DatasetFileRow>(new CommandDefinition(
            """
            SELECT DISTINCT ON (f.sha256) f.path, f.size_bytes, f.sha256 FROM dataset_files f
            WHERE f.version_id = @id
              AND NOT EXISTS (SELECT 1 FROM dataset_contents c WHERE c.project_id = @projectId AND c.sha256 = f.sha256 AND c.size_bytes = f.size_bytes)
            ORDER BY f.sha256, f.path
            """,
            new { id = version.Id, projectId = version.ProjectId },
            cancellationToken: cancellationToken));
        return rows.AsList();
    }

    /// <summary>
    /// Makes a draft ready once <paramref name="verified"/> holds every content that was missing. A version that is
    /// ready already stays as it is.
    /// </summary>
    public Task<DatasetVersionRow> CommitAsync(DatasetVersionRow version, IReadOnlyList<DatasetFileRow> verified, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                var now = time.GetUtcNow();
                var row = await connection.QuerySingleOrDefaultAsync<DatasetVersionRow>(new CommandDefinition(
                    $"""
                    WITH added AS (
                        INSERT INTO dataset_contents (project_id, sha256, size_bytes, created_at)
                        SELECT @projectId, c.sha256, c.size_bytes, @now FROM unnest(@hashes, @sizes) AS c (sha256, size_bytes)
                        ON CONFLICT DO NOTHING RETURNING size_bytes
                    )
                    UPDATE dataset_versions v SET
                        status = 'ready',
                        committed_at = coalesce(committed_at, @now),
                        stored_bytes = stored_bytes + (SELECT coalesce(sum(size_bytes), 0) FROM added)
                    WHERE v.id = @id
                    RETURNING {DatasetVersionRow.Columns}
                    """,
                    new
                    {
                        id = version.Id,
                        projectId = version.ProjectId,
                        hashes = verified.Select(file => file.Sha256).ToArray(),
                        sizes = verified.Select(file => file.SizeBytes).ToArray(),
                        now,
                    },
                    transaction,
                    cancellationToken: cancellationToken)) ?? throw ApiException.NotFound("datasetVersion", version.Id);
                if (version.Status != row.Status)
                {
                    await events.PublishAsync(connection, transaction, $"project:{row.ProjectId}", "dataset.version", row.ToContract(), cancellationToken);
                }

                return row;
            },
            cancellationToken);

    private static async Task InsertFilesAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, string versionId, Manifest manifest, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "INSERT INTO dataset_files (version_id, path, size_bytes, sha256) SELECT $1, * FROM unnest($2, $3, $4)", connection, transaction)
        {
            Parameters =
            {
                new() { Value = versionId, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = manifest.Files.Select(file => file.Path).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = manifest.Files.Select(file => file.SizeBytes).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
                new() { Value = manifest.Files.Select(file => file.Sha256).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
