using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Data.Models;
using AiPlatform.Orchestrations.Data.Sources;
using AiPlatform.Orchestrations.Platform;

namespace AiPlatform.Orchestrations.Data.Activities;

/// <summary>
/// Makes the version of what the source holds, as any other client would: reads everything for its hashes, drafts the version, sends
/// what is not stored yet, commits. A repeat goes on with the same draft.
/// </summary>
internal sealed class MakeImportedVersion(AiPlatformClient api, WorkerStop stop, SourceHttp sources) : ImportActivity(api, stop)
{
    protected override async Task<ImportOutcome> RunAsync(DatasetImportWork work, ImportWatch watch)
    {
        if (await IsMadeAsync(work, watch.Token))
        {
            return new ImportOutcome(DatasetImportStatus.Succeeded);
        }

        await using var source = await ImportSource.OpenAsync(work, sources, watch, watch.Token);
        if (source.Files.Count == 0)
        {
            throw new ImportException(DatasetImportErrors.SourceEmpty);
        }

        if (source.Files.Count > work.Limits.MaxFiles)
        {
            throw new ImportException(DatasetImportErrors.TooManyFiles, $"{work.Limits.MaxFiles}");
        }

        if (source.Files.Sum(static file => file.Size) > work.Limits.MaxBytes)
        {
            throw new ImportException(DatasetImportErrors.TooLarge, $"{work.Limits.MaxBytes}");
        }

        var request = work.Request;
        var settings = new UploadSettings
        {
            Description = request.Description,
            Parent = request.Parent,
            Remove = request.Remove,
            Tags = request.Tags,
            OnDraftAsync = (draft, _) => watch.ReportAsync(new ReportDatasetImportRequest(DatasetImportStatus.Running, Version: draft.Version)),
        };
        var progress = new Progress(watch);
        await new DatasetUploader(Api, sources.Storage).UploadAsync(work.Import.ProjectId, work.Import.DatasetId, source.Files, settings, progress, watch.Token);
        return new ImportOutcome(DatasetImportStatus.Succeeded);
    }

    // A step that is delivered again after its commit must not make a second version.
    private async Task<bool> IsMadeAsync(DatasetImportWork work, CancellationToken cancellationToken)
    {
        try
        {
            return work.Import.Version is { } version
                && (await Api.GetDatasetVersionAsync(work.Import.ProjectId, work.Import.DatasetId, version, cancellationToken)).Status == DatasetVersionStatus.Ready;
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.NotFound)
        {
            return false;
        }
    }

    // Every byte is read, and what is new is sent: two of three steps, the third is the server's.
    private sealed class Progress(ImportWatch watch) : IProgress<UploadProgress>
    {
        public void Report(UploadProgress value)
        {
            if (value.Stage == UploadStage.Hashing)
            {
                watch.Set(value.DoneBytes, value.TotalBytes);
            }
        }
    }
}
