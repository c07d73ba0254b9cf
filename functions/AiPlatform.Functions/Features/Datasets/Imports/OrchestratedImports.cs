using AiPlatform.Contracts.Datasets;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.Infrastructure.Orchestrated;
using Dapper;

namespace AiPlatform.Functions.Features.Datasets.Imports;

/// <summary>Imports, as the sweep of lost orchestrations sees them.</summary>
internal sealed class OrchestratedImports(Database database, DatasetImportStore imports) : IOrchestratedKind
{
    /// <inheritdoc />
    public string Orchestration => DatasetImportInput.Orchestration;

    /// <inheritdoc />
    public async Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<LiveResource>(new CommandDefinition(
            """
            SELECT i.id, i.cancelling_at AS cancelling_since FROM dataset_imports i
            WHERE i.ended_at IS NULL AND i.created_at < @before AND (@after::text IS NULL OR i.id > @after)
              AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.instance_id = i.id AND o.kind = 'start-orchestration' AND NOT o.parked)
            ORDER BY i.id LIMIT @limit
            """,
            new { after, before, limit },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <inheritdoc />
    public async Task EndAsync(string id, string reason, CancellationToken cancellationToken)
    {
        var import = await imports.GetAsync(null, id, cancellationToken);
        await imports.ReportAsync(
            id,
            import.Status == DatasetImportStatus.Cancelling
                ? new ReportDatasetImportRequest(DatasetImportStatus.Cancelled)
                : new ReportDatasetImportRequest(DatasetImportStatus.Failed, Code: DatasetImportErrors.ProcessLost, Arguments: [reason]),
            cancellationToken);
    }
}
