using System.Net;
using System.Net.Http.Headers;

namespace AiPlatform.DataFiles.Sources;

/// <summary>A URL that honours <c>Range</c>. Transient failures are repeated a few times, with back-off.</summary>
/// <param name="http">The client.</param>
/// <param name="url">The URL, with what it needs to be read.</param>
/// <param name="length">Bytes in all.</param>
/// <param name="time">The clock of the back-off.</param>
/// <param name="identity">What names the content; null where nothing does.</param>
public sealed class HttpRangeSource(HttpClient http, Uri url, long length, TimeProvider time, string? identity = null) : IByteSource
{
    private const int MaxAttempts = 5;

    /// <inheritdoc />
    public long Length => length;

    /// <inheritdoc />
    public string? Identity => identity;

    /// <inheritdoc />
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var wanted = (int)Math.Clamp(length - offset, 0, buffer.Length);
        for (var attempt = 1; wanted > 0; attempt++)
        {
            try
            {
                return await ReadOnceAsync(offset, buffer[..wanted], cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (attempt < MaxAttempts && IsTransient(exception, cancellationToken))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * 100 * (1 << attempt)), time, cancellationToken).ConfigureAwait(false);
            }
        }

        return wanted;
    }

    private static bool IsTransient(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        HttpRequestException { StatusCode: { } status } => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError,
        HttpRequestException or IOException => true,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => false,
    };

    private async Task<int> ReadOnceAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Range = new RangeHeaderValue(offset, offset + buffer.Length - 1) } };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        if (response.StatusCode != HttpStatusCode.PartialContent && (offset != 0 || response.Content.Headers.ContentLength != buffer.Length))
        {
            throw new InvalidOperationException("The server does not honour ranges.");
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await stream.ReadExactlyAsync(buffer, cancellationToken).ConfigureAwait(false);
        return buffer.Length;
    }
}
