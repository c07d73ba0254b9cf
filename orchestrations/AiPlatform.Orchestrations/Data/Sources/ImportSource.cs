using System.Security.Cryptography;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>The files of an import, each of which can be read at any time.</summary>
/// <param name="files">With their paths in the dataset.</param>
/// <param name="owned">Ends with the source.</param>
internal sealed class ImportSource(IReadOnlyList<IUploadItem> files, params IAsyncDisposable[] owned) : IAsyncDisposable
{
    public IReadOnlyList<IUploadItem> Files => files;

    /// <summary>Opens the source that was requested.</summary>
    /// <exception cref="ImportException">It can never be imported.</exception>
    public static async Task<ImportSource> OpenAsync(DatasetImportWork work, SourceHttp sources, ImportWatch watch, CancellationToken cancellationToken)
    {
        var folder = string.IsNullOrEmpty(work.Request.Folder) ? string.Empty : work.Request.Folder.TrimEnd('/') + "/";
        if (work.Request.Container is { } container)
        {
            return new ImportSource(await ContainerListing.ReadAsync(sources.For(work), work.SourceUrl, container.Prefix ?? string.Empty, folder, work.Limits, cancellationToken));
        }

        var archive = work.Request.Archive is not null;
        var url = archive ? work.SourceUrl : work.StagingUrl;
        var size = work.ArchiveSize ?? await RangeStream.LengthAsync(sources.Storage, url, cancellationToken);
        if (work.Request.Url?.Sha256 is { } announced)
        {
            await RequireHashAsync(sources.Storage, url, size, announced, cancellationToken);
        }

        return archive || work.Request.Expand
            ? await ArchiveSource.OpenAsync(sources.Storage, url, size, work, folder, watch, cancellationToken)
            : new ImportSource([new RangeItem(folder + FileName(work), size, sources.Storage, url, 0)]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in owned)
        {
            await part.DisposeAsync();
        }
    }

    private static string FileName(DatasetImportWork work)
    {
        if (work.Request.Url!.FileName is { } name)
        {
            return name;
        }

        var last = Uri.UnescapeDataString(new Uri(work.SourceUrl).AbsolutePath.TrimEnd('/').Split('/')[^1]);
        return last.Length == 0 ? "download" : last;
    }

    private static async Task RequireHashAsync(HttpClient http, string url, long size, string announced, CancellationToken cancellationToken)
    {
        await using var stream = new RangeStream(http, url, 0, size);
        var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
        if (hash != announced)
        {
            throw new ImportException(DatasetImportErrors.ChecksumMismatch, hash);
        }
    }
}
