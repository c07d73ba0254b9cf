using AiPlatform.Client.Datasets;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>A file that is a range of what a URL gives.</summary>
internal sealed class RangeItem(string path, long size, HttpClient http, string url, long offset, string? tag = null) : IUploadItem
{
    public string Path => path;

    public long Size => size;

    public Task<Stream> OpenAsync(CancellationToken cancellationToken) => Task.FromResult<Stream>(new RangeStream(http, url, offset, size, tag));
}
