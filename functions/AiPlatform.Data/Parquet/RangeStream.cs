using AiPlatform.Data.Sources;

namespace AiPlatform.Data.Parquet;

/// <summary>
/// A stream over the ranges of a source that were loaded before. The Parquet library reads byte by byte and synchronously; nothing
/// of that reaches the network. A read outside of what was loaded means that the file's own offsets are wrong.
/// </summary>
internal sealed class RangeStream(IByteSource source) : Stream
{
    private readonly List<(long Offset, byte[] Bytes)> _ranges = [];

    /// <inheritdoc />
    public override bool CanRead => true;

    /// <inheritdoc />
    public override bool CanSeek => true;

    /// <inheritdoc />
    public override bool CanWrite => false;

    /// <inheritdoc />
    public override long Length => source.Length;

    /// <inheritdoc />
    public override long Position { get; set; }

    /// <summary>Bytes that were loaded.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Loads a range, unless it is loaded already. Ranges may be loaded at the same time.</summary>
    /// <returns>The bytes from <paramref name="offset"/> on, at least <paramref name="length"/> of them.</returns>
    /// <exception cref="DataFormatException">It is not inside of the file.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> LoadAsync(long offset, long length, CancellationToken cancellationToken)
    {
        if (offset < 0 || length < 0 || offset + length > source.Length || length > Array.MaxLength)
        {
            throw new DataFormatException(DataErrors.Truncated, "The file ends before its content does.");
        }

        if (Loaded(offset) is var loaded && loaded.Length >= length)
        {
            return loaded;
        }

        var bytes = new byte[length];
        var read = await source.ReadAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
        if (read != length)
        {
            throw new DataFormatException(DataErrors.Truncated, "The file ends before its content does.");
        }

        lock (_ranges)
        {
            BytesRead += length;
            _ranges.Add((offset, bytes));
        }

        return bytes;
    }

    /// <summary>The loaded bytes from an offset on; empty where nothing is loaded.</summary>
    public ReadOnlyMemory<byte> Loaded(long offset)
    {
        // Of ranges that overlap the one that reaches furthest.
        var best = ReadOnlyMemory<byte>.Empty;
        lock (_ranges)
        {
            foreach (var (start, bytes) in _ranges)
            {
                if (start <= offset && offset < start + bytes.Length && start + bytes.Length - offset > best.Length)
                {
                    best = bytes.AsMemory((int)(offset - start));
                }
            }
        }

        return best;
    }

    /// <summary>Forgets what was loaded, the footer (which was loaded first) excepted.</summary>
    public void Release()
    {
        if (_ranges.Count > 1)
        {
            _ranges.RemoveRange(1, _ranges.Count - 1);
        }
    }

    /// <inheritdoc />
    public override int Read(Span<byte> buffer)
    {
        if (buffer.Length == 0)
        {
            return 0;
        }

        var loaded = Loaded(Position);
        if (loaded.Length == 0)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "A page lies outside of its column.");
        }

        var count = Math.Min(loaded.Length, buffer.Length);
        loaded.Span[..count].CopyTo(buffer);
        Position += count;
        return count;
    }

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc />
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

    /// <inheritdoc />
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        SeekOrigin.End => Length + offset,
        _ => throw new ArgumentOutOfRangeException(nameof(origin), origin, "Unknown origin."),
    };

    /// <inheritdoc />
    public override void Flush()
    {
    }

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
