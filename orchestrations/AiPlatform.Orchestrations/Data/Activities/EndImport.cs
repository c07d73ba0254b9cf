using AiPlatform.Client;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Data.Models;
using AiPlatform.Orchestrations.Platform;

namespace AiPlatform.Orchestrations.Data.Activities;

/// <summary>Frees what the import laid down, then says how it ended.</summary>
internal sealed class EndImport(AiPlatformClient api) : PlatformActivity<EndImportInput, object?>
{
    /// <inheritdoc />
    protected override async Task<object?> CallAsync(EndImportInput input)
    {
        await api.ClearDatasetImportAsync(input.ImportId, CancellationToken.None);
        var outcome = input.Outcome;
        await api.ReportDatasetImportAsync(
            input.ImportId, new ReportDatasetImportRequest(outcome.Status ?? DatasetImportStatus.Failed, Code: outcome.Code, Arguments: outcome.Arguments), CancellationToken.None);
        return null;
    }
}
