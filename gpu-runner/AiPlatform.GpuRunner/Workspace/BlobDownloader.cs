using System.Security.Cryptography;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Downloads files by SAS URL and verifies what came.</summary>
internal sealed class BlobDownloader(RunnerHttp http)
{
    // A transfer that gives no byte for this long is broken off; its length is not limited otherwise.
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(60);

    /// <summary>Writes a URL's content to a file that must not exist.</summary>
    /// <exception cref="InvalidDataException">Size or digest differ.</exception>
    public async Task DownloadAsync(string url, string file, long size, string sha256, CancellationToken cancellationToken)
    {
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stall.CancelAfter(StallLimit);
        using var response = await http.Blob.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, stall.Token).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        await using var source = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
        await using var target = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 * 1024];
        long total = 0;
        int count;
        while ((count = await source.ReadAsync(buffer, stall.Token).ConfigureAwait(false)) > 0)
        {
            stall.CancelAfter(StallLimit);
            total += count;
            if (total > size)
            {
                break; // Longer than announced: the digest cannot match.
            }

            hash.AppendData(buffer, 0, count);
            await target.WriteAsync(buffer.AsMemory(0, count), stall.Token).ConfigureAwait(false);
        }

        var digest = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (total != size || digest != sha256)
        {
            throw new InvalidDataException($"The download has {total} bytes and sha256 {digest}, announced were {size} bytes and {sha256}.");
        }
    }
}
