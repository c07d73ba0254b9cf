using System.Net.Http.Headers;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>
/// A range of what a URL gives, as a stream that can seek: read in pages of 4 MiB, of which the last two are kept, so that a reader
/// that goes back and forth (a directory at the end of an archive) asks for little twice.
/// </summary>
/// <param name="offset">Where the range begins.</param>
/// <param name="length">Bytes of the range.</param>
/// <param name="tag">The entity tag that every answer must have; null for any.</param>
internal sealed class RangeStream(HttpClient http, string url, long offset, long length, string? tag = null) : Stream
{
    private const int PageBytes = 4 << 20;

    private readonly (long Start, byte[] Bytes)[] _pages = [(-1, []), (-1, [])];
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    /// <summary>How many bytes a URL gives.</summary>
    public static async Task<long> LengthAsync(HttpClient http, string url, CancellationToken cancellationToken)
    {
        using var response = await SourceHttp.SendAsync(http, new HttpRequestMessage(HttpMethod.Head, url), cancellationToken);
        return response.Content.Headers.ContentLength ?? throw new IOException("The length is not known.");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position >= length || buffer.Length == 0)
        {
            return 0;
        }

        var page = _position / PageBytes * PageBytes;
        return Copy(page, Cached(page) ?? await LoadAsync(page, cancellationToken), buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>For the zip reader, which looks at the directory of an archive and the heads of its entries without waiting.</summary>
    public override int Read(Span<byte> buffer)
    {
        if (_position >= length || buffer.Length == 0)
        {
            return 0;
        }

        var page = _position / PageBytes * PageBytes;
        return Copy(page, Cached(page) ?? Load(page), buffer);
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        SeekOrigin.End => length + offset,
        _ => throw new ArgumentOutOfRangeException(nameof(origin), origin, "Unknown origin."),
    };

    public override void Flush()
    {
        // Nothing is written.
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private byte[]? Cached(long page) => _pages[0].Start == page ? _pages[0].Bytes : _pages[1].Start == page ? _pages[1].Bytes : null;

    private int Copy(long page, byte[] bytes, Span<byte> buffer)
    {
        var skip = (int)(_position - page);
        var count = Math.Min(buffer.Length, bytes.Length - skip);
        bytes.AsSpan(skip, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    private async Task<byte[]> LoadAsync(long page, CancellationToken cancellationToken)
    {
        var bytes = NewPage(page);
        using var response = await SourceHttp.SendAsync(http, Request(page, bytes.Length), cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await body.ReadExactlyAsync(bytes, cancellationToken);
        return Keep(page, bytes);
    }

    private byte[] Load(long page)
    {
        var bytes = NewPage(page);
        using var request = Request(page, bytes.Length);
        using var response = http.Send(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using var body = response.Content.ReadAsStream();
        body.ReadExactly(bytes);
        return Keep(page, bytes);
    }

    private byte[] NewPage(long page) => new byte[Math.Min(PageBytes, length - page)];

    private byte[] Keep(long page, byte[] bytes)
    {
        _pages[1] = _pages[0];
        _pages[0] = (page, bytes);
        return bytes;
    }

    private HttpRequestMessage Request(long page, int count)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Range = new RangeHeaderValue(offset + page, offset + page + count - 1);
        if (tag is not null)
        {
            request.Headers.IfMatch.Add(new EntityTagHeaderValue(tag));
        }

        return request;
    }
}
