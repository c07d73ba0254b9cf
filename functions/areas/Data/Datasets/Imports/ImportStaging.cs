using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>What the orchestration of an import works with: where it reads, and where it lays down what it has read.</summary>
internal sealed class ImportStaging(
    DatasetImportStore store, DatasetVersionStore versions, DraftSweep sweep, ContentReader reader, BlobStorage storage, GarbageQueue garbage,
    IOptions<ImportOptions> options, IOptions<DatasetOptions> datasets)
{
    private const string SourceBlob = "source";
    private const string ExpandedBlob = "expanded";

    /// <summary>The work, with URLs that are good for a while.</summary>
    /// <param name="origin">Scheme and host of the API as the caller sees it.</param>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetImportWork> PrepareAsync(string import, string origin, CancellationToken cancellationToken)
    {
        var row = await store.GetAsync(null, import, cancellationToken);
        var request = row.ReadRequest();
        var (url, size) = (store.Reveal(row) ?? string.Empty, (long?)null);
        if (request.Archive is { } archive && !ImportTransitions.IsFinal(row.Status))
        {
            var file = await versions.GetReadyFileAsync(row.ProjectId, archive.Dataset, archive.Version, archive.Path, cancellationToken);
            var download = await reader.DownloadsAsync(row.ProjectId, [file], origin, options.Value.StagingUrlLifetime, cancellationToken);
            (url, size) = (download[0].Url, file.SizeBytes);
        }
        else if (request.Container?.Name is { } name)
        {
            url = options.Value.Containers.GetValueOrDefault(name, string.Empty);
        }

        var urls = new List<string>();
        foreach (var blob in new[] { Staging(row, SourceBlob), Staging(row, ExpandedBlob) })
        {
            // An orchestration that was terminated leaves it lying: then it is collected.
            await garbage.ExpectAsync(BlobStorage.Datasets, blob, options.Value.StagingUrlLifetime, cancellationToken);
            urls.Add(await storage.BlockUploadUrlAsync(BlobStorage.Datasets, blob, options.Value.StagingUrlLifetime, cancellationToken));
        }

        return new DatasetImportWork(
            row.ToContract(chinese: false), request, url, request.Url is null && request.Container?.Url is null, urls[0], urls[1], size, row.SourceTag,
            new ImportLimits(datasets.Value.MaxFiles, options.Value.MaxBytes, options.Value.MaxRatio));
    }

    /// <summary>Frees what was laid down, and the draft unless the version is ready.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task ClearAsync(string import, CancellationToken cancellationToken)
    {
        var row = await store.GetAsync(null, import, cancellationToken);
        await storage.DiscardAsync(BlobStorage.Datasets, Staging(row, SourceBlob), cancellationToken);
        await storage.DiscardAsync(BlobStorage.Datasets, Staging(row, ExpandedBlob), cancellationToken);
        if (row.Version is { } number && await versions.FindAsync(row.DatasetId, number, cancellationToken) is { Status: DatasetVersionStatus.Draft } draft)
        {
            await sweep.DeleteAsync(draft, cancellationToken);
        }
    }

    private static string Staging(DatasetImportRow row, string name) => ContentAddress.Upload(row.ProjectId, row.Id, name);
}
