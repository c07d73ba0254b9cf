using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Dapper;

namespace AiPlatform.Data.Datasets;

/// <summary>Versions and their manifests.</summary>
internal sealed class DatasetVersionStore(Database database, ProjectAccess projects, EventStream events, ILineage lineage, TimeProvider time) : IReach<DatasetVersionRow>
{
    private const string Named = "v.version = @version AND d.id = v.dataset_id AND d.deleted_at IS NULL AND (d.id = @dataset OR lower(d.name) = lower(@dataset))";

    /// <inheritdoc />
    Task<DatasetVersionRow> IReach<DatasetVersionRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var (dataset, version) = (path.Text("dataset"), path.Number("version"));
        return projects.RequireInAsync<DatasetVersionRow>(
            path,
            caller,
            new ReachQuery(
                $"SELECT {DatasetVersionRow.Columns} FROM dataset_versions v, datasets d WHERE v.project_id = {ProjectAccess.Named} AND {Named} AND v.deleted_at IS NULL",
                new { dataset, version },
                "datasetVersion",
                $"{dataset}@{version}"),
            cancellationToken);
    }

    /// <summary>A live version by number.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetVersionRow> GetAsync(string projectId, string dataset, int version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetVersionRow>(new CommandDefinition(
                $"SELECT {DatasetVersionRow.Columns} FROM dataset_versions v, datasets d WHERE v.project_id = @projectId AND {Named} AND v.deleted_at IS NULL",
                new { projectId, dataset, version },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("datasetVersion", $"{dataset}@{version}");
    }

    /// <summary>A version of a dataset, deleted or not; null when there is none.</summary>
    public async Task<DatasetVersionRow?> FindAsync(string datasetId, int version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetVersionRow>(new CommandDefinition(
            $"SELECT {DatasetVersionRow.Columns} FROM dataset_versions v WHERE v.dataset_id = @datasetId AND v.version = @version",
            new { datasetId, version },
            cancellationToken: cancellationToken));
    }

    /// <summary>A live version by number, whose files are verified.</summary>
    /// <exception cref="ApiException">404; 409 when it is a draft.</exception>
    public async Task<DatasetVersionRow> GetReadyAsync(string projectId, string dataset, int version, CancellationToken cancellationToken)
    {
        var row = await GetAsync(projectId, dataset, version, cancellationToken);
        return row.RequireReady();
    }

    /// <summary>One more live version than asked for, newest first.</summary>
    public async Task<IEnumerable<DatasetVersionRow>> ListAsync(string datasetId, int? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<DatasetVersionRow>(new CommandDefinition(
            $"""
            SELECT {DatasetVersionRow.Columns} FROM dataset_versions v
            WHERE v.dataset_id = @datasetId AND v.deleted_at IS NULL AND (@before::int IS NULL OR v.version < @before)
            ORDER BY v.version DESC LIMIT @limit
            """,
            new { datasetId, before, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>One more file than asked for, by path.</summary>
    /// <param name="prefix">Only paths that begin so; null for all.</param>
    public async Task<IReadOnlyList<DatasetFileRow>> ListFilesAsync(string versionId, string? prefix, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<DatasetFileRow>(new CommandDefinition(
            """
            SELECT path, size_bytes, sha256 FROM dataset_files
            WHERE version_id = @versionId AND (@after::text IS NULL OR path > @after) AND (@prefix::text IS NULL OR starts_with(path, @prefix))
            ORDER BY path LIMIT @limit
            """,
            new { versionId, prefix, after, limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>The whole manifest, by path: at most as many files as a version may have.</summary>
    public async Task<IReadOnlyList<DatasetFileRow>> ListAllFilesAsync(string versionId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<DatasetFileRow>(new CommandDefinition(
            "SELECT path, size_bytes, sha256 FROM dataset_files WHERE version_id = @versionId ORDER BY path", new { versionId }, cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>One file of a version.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetFileRow> GetFileAsync(string versionId, string path, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetFileRow>(new CommandDefinition(
                "SELECT path, size_bytes, sha256 FROM dataset_files WHERE version_id = @versionId AND path = @path", new { versionId, path }, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("file", path);
    }

    /// <summary>One file of a live version whose files are verified.</summary>
    /// <exception cref="ApiException">404; 409 when the version is a draft.</exception>
    public async Task<DatasetFileRow> GetReadyFileAsync(string projectId, string dataset, int version, string path, CancellationToken cancellationToken)
        => await GetFileAsync((await GetReadyAsync(projectId, dataset, version, cancellationToken)).Id, path, cancellationToken);

    /// <summary>Makes a draft ready; a version that is ready already stays as it is. Null when a content is not there (any more).</summary>
    public Task<DatasetVersionRow?> CommitAsync(DatasetVersionRow version, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                // The locks keep the collector off until the version refers to them.
                var there = await work.QueryAsync<int>(
                    """
                    SELECT 1 FROM dataset_contents c
                    WHERE c.project_id = @projectId AND EXISTS (SELECT 1 FROM dataset_files f WHERE f.version_id = @id AND f.sha256 = c.sha256)
                    ORDER BY c.sha256 FOR SHARE
                    """,
                    new { version.Id, version.ProjectId });
                var needed = await work.SingleAsync<int>("SELECT count(DISTINCT sha256)::int FROM dataset_files WHERE version_id = @Id", new { version.Id });
                if (there.Count < needed)
                {
                    return null;
                }

                var row = await work.FindAsync<DatasetVersionRow>(
                    $"""
                    UPDATE dataset_versions v SET status = 'ready', committed_at = @now, row_version = row_version + 1 WHERE v.id = @id AND v.status = 'draft'
                    RETURNING {DatasetVersionRow.Columns}
                    """,
                    new { id = version.Id, now = time.GetUtcNow() });
                if (row is not null)
                {
                    await AnnounceAsync(work, row);
                }

                return row ?? await work.FindAsync<DatasetVersionRow>($"SELECT {DatasetVersionRow.Columns} FROM dataset_versions v WHERE v.id = @Id", new { version.Id })
                    ?? throw ApiException.NotFound("datasetVersion", version.Id);
            },
            cancellationToken);

    /// <summary>Changes what is given.</summary>
    /// <exception cref="ApiException">404; 412 when <paramref name="expected"/> is not its row version.</exception>
    public async Task<DatasetVersionRow> UpdateAsync(
        DatasetVersionRow version, UpdateDatasetVersionRequest request, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetVersionRow>(new CommandDefinition(
                $"""
                UPDATE dataset_versions v
                SET description = coalesce(@description, v.description), tags = coalesce(@tags::jsonb, v.tags), row_version = v.row_version + 1
                WHERE v.id = @Id AND v.deleted_at IS NULL AND (@expected::bigint IS NULL OR v.row_version = @expected)
                RETURNING {DatasetVersionRow.Columns}
                """,
                new { version.Id, description = request.Description, tags = DatasetTags.ToJson(request.Tags), expected },
                cancellationToken: cancellationToken))
            ?? throw (expected is null ? ApiException.NotFound("datasetVersion", version.Id) : new ApiException(ErrorCodes.PreconditionFailed));
    }

    private async Task AnnounceAsync(UnitOfWork work, DatasetVersionRow row)
    {
        if (row.Parent is { } parent)
        {
            var source = await work.SingleAsync<string>(
                "SELECT id FROM dataset_versions WHERE dataset_id = @DatasetId AND version = @parent", new { row.DatasetId, parent });
            await lineage.AddAsync(work, row.ProjectId, [new LineageStep(LineageEnd.DatasetVersion(source), LineageEnd.DatasetVersion(row.Id), "derived")]);
        }

        await work.ExecuteAsync("DELETE FROM dataset_draft_chunks WHERE version_id = @Id", new { row.Id });
        await events.PublishAsync(work, $"project:{row.ProjectId}", "dataset.version", row.ToContract());
    }
}
