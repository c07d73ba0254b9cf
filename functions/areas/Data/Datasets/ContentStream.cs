using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets;

/// <summary>
/// The bytes of a content. Forward reading streams part by part and holds no more than the transfer's own buffer; a seek ends the
/// running transfer and the next read begins another one.
/// </summary>
internal sealed class ContentStream(BlobStorage storage, StoredContent content) : Stream
{
    private Stream? _source;
    private long _sourceEnd;
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => content.Size;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_position < content.Size && buffer.Length > 0)
        {
            _source ??= await OpenAsync(cancellationToken);
            var limit = (int)Math.Min(buffer.Length, _sourceEnd - _position);
            var count = limit == 0 ? 0 : await _source.ReadAsync(buffer[..limit], cancellationToken);
            if (count > 0)
            {
                _position += count;
                return count;
            }

            if (_position < _sourceEnd)
            {
                throw new IOException($"A blob of content {content.Sha256} ended early.");
            }

            await CloseAsync();
        }

        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override long Seek(long offset, SeekOrigin origin)
    {
        var target = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            SeekOrigin.End => content.Size + offset,
            _ => throw new ArgumentOutOfRangeException(nameof(origin), origin, "Unknown origin."),
        };
        ArgumentOutOfRangeException.ThrowIfNegative(target, nameof(offset));
        if (target != _position)
        {
            _source?.Dispose();
            _source = null;
            _position = target;
        }

        return target;
    }

    public override void Flush()
    {
        // Nothing is written.
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        _source?.Dispose();
        _source = null;
        base.Dispose(disposing);
    }

    private async ValueTask CloseAsync()
    {
        if (_source is { } source)
        {
            _source = null;
            await source.DisposeAsync();
        }
    }

    private async Task<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        var start = 0L;
        foreach (var part in content.Parts)
        {
            if (_position < start + part.Length)
            {
                var skip = _position - start;
                _sourceEnd = start + part.Length;
                return await storage.OpenReadAsync(BlobStorage.Datasets, part.Blob, part.Offset + skip, part.Length - skip, cancellationToken)
                    ?? throw new IOException($"A blob of content {content.Sha256} is missing.");
            }

            start += part.Length;
        }

        throw new IOException($"The parts of content {content.Sha256} are shorter than the content.");
    }
}
