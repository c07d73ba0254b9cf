using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>Imports, as the sweep of lost orchestrations sees them.</summary>
internal sealed class OrchestratedImports(Database database, DatasetImportStore imports) : IOrchestratedKind
{
    /// <inheritdoc />
    public string Orchestration => DatasetImportInput.Orchestration;

    /// <inheritdoc />
    public Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
        => LiveResources.ListAsync(database, "dataset_imports", "t.cancelling_at", after, before, limit, cancellationToken);

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
