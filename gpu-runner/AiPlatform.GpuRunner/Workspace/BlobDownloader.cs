using System.Net.Http.Headers;
using System.Security.Cryptography;
using AiPlatform.Contracts.Datasets;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Downloads files by SAS URL and verifies what came.</summary>
internal sealed class BlobDownloader(RunnerHttp http)
{
    // A transfer that gives no byte for this long is broken off; its length is not limited otherwise.
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(60);

    /// <summary>Writes a URL's content to a file that must not exist.</summary>
    /// <exception cref="InvalidDataException">Size or digest differ.</exception>
    public Task DownloadAsync(string url, string file, long size, string sha256, CancellationToken cancellationToken)
        => DownloadAsync([(url, null)], file, size, sha256, cancellationToken);

    /// <summary>Writes ranges of URLs, one after another, to a file that must not exist.</summary>
    /// <exception cref="InvalidDataException">Size or digest differ.</exception>
    public Task DownloadAsync(IReadOnlyList<DownloadPart> parts, string file, long size, string sha256, CancellationToken cancellationToken)
        => DownloadAsync(
            [.. parts.Select(static part => (part.Url, (RangeHeaderValue?)new RangeHeaderValue(part.Offset, part.Offset + part.Length - 1)))], file, size, sha256, cancellationToken);

    private async Task DownloadAsync(
        IReadOnlyList<(string Url, RangeHeaderValue? Range)> sources, string file, long size, string sha256, CancellationToken cancellationToken)
    {
        await using var target = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 * 1024];
        var left = size;
        foreach (var (url, range) in sources)
        {
            left -= await CopyAsync(url, range, target, hash, buffer, left, cancellationToken).ConfigureAwait(false);
        }

        var digest = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (left != 0 || digest != sha256)
        {
            throw new InvalidDataException($"The download has {(left < 0 ? "more than " : "")}{Math.Min(size - left, size)} bytes and sha256 {digest}, announced were {size} bytes and {sha256}.");
        }
    }

    private async Task<long> CopyAsync(
        string url, RangeHeaderValue? range, FileStream target, IncrementalHash hash, byte[] buffer, long limit, CancellationToken cancellationToken)
    {
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stall.CancelAfter(StallLimit);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Range = range;

        using var response = await http.Blob.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stall.Token).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        await using var source = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
        long total = 0;
        int count;
        while ((count = await source.ReadAsync(buffer, stall.Token).ConfigureAwait(false)) > 0)
        {
            stall.CancelAfter(StallLimit);
            total += count;
            if (total > limit)
            {
                break; // Longer than announced: the digest cannot match.
            }

            hash.AppendData(buffer, 0, count);
            await target.WriteAsync(buffer.AsMemory(0, count), stall.Token).ConfigureAwait(false);
        }

        return total;
    }
}
