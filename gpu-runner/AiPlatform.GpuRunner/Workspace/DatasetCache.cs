using AiPlatform.Contracts.Datasets;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>
/// Dataset files by content. Files are verified when they arrive and made read-only; a file whose size or time was changed since
/// (root is not stopped by read-only) is fetched again. The least recently used ones go when the cache is above its limit.
/// </summary>
internal sealed class DatasetCache(IOptions<RunnerOptions> options, BlobDownloader downloader)
{
    // Every cached file carries this time; a write changes it.
    private static readonly DateTime Mark = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly string _root = Path.Combine(options.Value.DataDirectory, "cache", "sha256");

    /// <summary>The cached file with this content, downloaded when it is missing.</summary>
    public async Task<string> GetAsync(FileDownload file, CancellationToken cancellationToken)
    {
        if (file.Sha256.Length != 64 || !file.Sha256.All(char.IsAsciiHexDigitLower))
        {
            throw new InvalidDataException($"'{file.Sha256}' is no SHA-256 digest.");
        }

        var folder = Path.Combine(_root, file.Sha256[..2]);
        var path = Path.Combine(folder, file.Sha256);
        var info = new FileInfo(path);
        if (info.Exists && info.Length == file.Size && info.LastWriteTimeUtc == Mark)
        {
            File.SetLastAccessTimeUtc(path, DateTime.UtcNow);
            return path;
        }

        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, $".{Guid.NewGuid():N}");
        try
        {
            // A file that shares chunks lies in several blobs: straight from the storage, not through the API.
            await (file.Parts is { } parts
                ? downloader.DownloadAsync(parts, temporary, file.Size, file.Sha256, cancellationToken)
                : downloader.DownloadAsync(file.Url, temporary, file.Size, file.Sha256, cancellationToken)).ConfigureAwait(false);
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            File.SetLastWriteTimeUtc(temporary, Mark);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }

        return path;
    }

    /// <summary>Removes the least recently used files until the rest fits the limit. Workspaces keep what they have linked.</summary>
    public void Trim()
    {
        if (!Directory.Exists(_root))
        {
            return;
        }

        var files = new DirectoryInfo(_root).EnumerateFiles("*", SearchOption.AllDirectories)
            .OrderByDescending(static file => file.LastAccessTimeUtc).ToList();
        long total = 0;
        foreach (var file in files)
        {
            total += file.Length;
            if (total > options.Value.CacheLimitBytes)
            {
                file.Delete();
            }
        }
    }
}
