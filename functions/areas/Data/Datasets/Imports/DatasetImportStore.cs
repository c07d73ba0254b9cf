using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using AiPlatform.Ports.Operations;
using Dapper;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>Imports in PostgreSQL.</summary>
internal sealed class DatasetImportStore(Database database, IOutbox outbox, EventStream events, ILineage lineage, SecretBox secrets, TimeProvider time)
{
    /// <summary>Writes an import and the start of its orchestration in one transaction.</summary>
    public Task<DatasetImportRow> CreateAsync(DatasetRow dataset, CreateDatasetImportRequest request, DatasetImportCheck.Target target, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var id = Ids.New(time);
                var row = await work.SingleAsync<DatasetImportRow>(
                    $"""
                    INSERT INTO dataset_imports AS i (id, project_id, dataset_id, request, secret, source, status, created_by, created_at)
                    VALUES (@id, @project, @dataset, @request::jsonb, @secret, @source, 'pending', @by, @now) RETURNING {DatasetImportRow.Columns}
                    """,
                    new
                    {
                        id,
                        project = dataset.ProjectId,
                        dataset = dataset.Id,
                        request = JsonSerializer.Serialize(WithoutSecrets(request), ContractsJson.Strict),
                        secret = target.Url is { } url ? secrets.Protect(Purpose(id), url) : null,
                        source = target.Shown,
                        by = caller.UserId,
                        now = time.GetUtcNow(),
                    });
                await outbox.EnqueueAsync(work, OutboxMessage.Start(DatasetImportInput.Orchestration, id, new DatasetImportInput(id)));
                await events.PublishAsync(work, $"project:{row.ProjectId}", "dataset.import", row.ToContract(chinese: false));
                return row;
            },
            cancellationToken);

    /// <summary>One more import than asked for, newest first.</summary>
    public async Task<IReadOnlyList<DatasetImportRow>> ListAsync(string datasetId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<DatasetImportRow>(new CommandDefinition(
            $"SELECT {DatasetImportRow.Columns} FROM dataset_imports i WHERE i.dataset_id = @datasetId AND (@after::text IS NULL OR i.id < @after) ORDER BY i.id DESC LIMIT @limit",
            new { datasetId, after, limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>An import.</summary>
    /// <param name="projectId">Only of this project; null for any.</param>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetImportRow> GetAsync(string? projectId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetImportRow>(new CommandDefinition(
                $"SELECT {DatasetImportRow.Columns} FROM dataset_imports i WHERE i.id = @id AND (@projectId::text IS NULL OR i.project_id = @projectId)",
                new { id, projectId },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("import", id);
    }

    /// <summary>Asks an import to stop; one that has ended stays as it is.</summary>
    public Task<DatasetImportRow> CancelAsync(string projectId, string id, CancellationToken cancellationToken)
        => ChangeAsync(projectId, id, row => row.Status is DatasetImportStatus.Pending or DatasetImportStatus.Running ? new ReportDatasetImportRequest(DatasetImportStatus.Cancelling) : null, cancellationToken);

    /// <summary>
    /// Records what the orchestration reports. What has ended stays as it is, and what is being cancelled does not run again: the
    /// answer tells the orchestration.
    /// </summary>
    public Task<DatasetImportRow> ReportAsync(string id, ReportDatasetImportRequest report, CancellationToken cancellationToken)
        => ChangeAsync(null, id, row => ImportTransitions.Next(row.Status, report.Status) is { } status ? report with { Status = status } : null, cancellationToken);

    private Task<DatasetImportRow> ChangeAsync(string? projectId, string id, Func<DatasetImportRow, ReportDatasetImportRequest?> decide, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await work.FindAsync<DatasetImportRow>(
                        $"SELECT {DatasetImportRow.Columns} FROM dataset_imports i WHERE i.id = @id AND (@projectId::text IS NULL OR i.project_id = @projectId) FOR UPDATE", new { id, projectId })
                    ?? throw ApiException.NotFound("import", id);
                if (decide(row) is not { } report)
                {
                    return row;
                }

                var ended = ImportTransitions.IsFinal(report.Status);
                var changed = await work.SingleAsync<DatasetImportRow>(
                    $"""
                    UPDATE dataset_imports i SET status = @status, code = coalesce(@Code, i.code), arguments = coalesce(@arguments, i.arguments),
                        source_tag = coalesce(@SourceTag, i.source_tag), done_bytes = coalesce(@DoneBytes, i.done_bytes), total_bytes = coalesce(@TotalBytes, i.total_bytes),
                        version = coalesce(@Version, i.version), started_at = coalesce(i.started_at, @now),
                        cancelling_at = CASE WHEN @status = 'cancelling' THEN coalesce(i.cancelling_at, @now) ELSE i.cancelling_at END,
                        ended_at = CASE WHEN @ended THEN @now END, secret = CASE WHEN @ended THEN NULL ELSE i.secret END
                    WHERE i.id = @id RETURNING {DatasetImportRow.Columns}
                    """,
                    new
                    {
                        id,
                        status = report.Status.ToText(),
                        report.Code,
                        arguments = report.Arguments?.ToArray(),
                        report.SourceTag,
                        report.DoneBytes,
                        report.TotalBytes,
                        report.Version,
                        ended,
                        now = time.GetUtcNow(),
                    });
                if (report.Status == DatasetImportStatus.Succeeded)
                {
                    await LinkAsync(work, changed);
                }

                if (changed.Status != row.Status)
                {
                    await events.PublishAsync(work, $"project:{row.ProjectId}", "dataset.import", changed.ToContract(chinese: false));
                }

                return changed;
            },
            cancellationToken);

    /// <summary>The secret URL of an import.</summary>
    public string? Reveal(DatasetImportRow row) => row.Secret is null ? null : secrets.Unprotect(Purpose(row.Id), row.Secret);

    private static string Purpose(string id) => $"dataset-import:{id}";

    private async Task LinkAsync(UnitOfWork work, DatasetImportRow row)
    {
        var target = await work.FindAsync<string>("SELECT id FROM dataset_versions WHERE dataset_id = @DatasetId AND version = @Version", new { row.DatasetId, row.Version });
        if (target is not null && await SourceAsync(work, row) is { } source)
        {
            await lineage.AddAsync(work, row.ProjectId, [new LineageStep(source, LineageEnd.DatasetVersion(target), "imported")]);
        }
    }

    private static async Task<LineageEnd?> SourceAsync(UnitOfWork work, DatasetImportRow row)
    {
        if (row.ReadRequest().Archive is { } archive)
        {
            var version = await work.FindAsync<string>(
                """
                SELECT v.id FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
                WHERE v.project_id = @ProjectId AND v.version = @Version AND d.deleted_at IS NULL AND (d.id = @Dataset OR lower(d.name) = lower(@Dataset))
                """,
                new { row.ProjectId, archive.Version, archive.Dataset });
            return version is null ? null : LineageEnd.DatasetVersion(version);
        }

        // Where URLs and containers are the table itself says: a trigger links them.
        return null;
    }

    private static CreateDatasetImportRequest WithoutSecrets(CreateDatasetImportRequest request) => request with
    {
        Url = request.Url is null ? null : request.Url with { Url = string.Empty },
        Container = request.Container?.Url is null ? request.Container : request.Container with { Url = string.Empty },
    };
}
