using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>
/// A source as the seekable stream that the Parquet library reads: it asks synchronously, on a thread of its own, for small pieces; here
/// they are cut from blocks, so that few ranges are fetched.
/// </summary>
internal sealed class SourceStream(IByteSource source, CancellationToken cancellationToken) : Stream
{
    private const int BlockBytes = 64 * 1024;
    private const int MaxBlocks = 64;

    private readonly Dictionary<long, (byte[] Bytes, long Use)> _blocks = [];
    private long _uses;

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

    /// <summary>What kept a range from being read; the library itself tells only that it was not.</summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc />
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return ReadBlocks(buffer);
        }
        catch (Exception exception)
        {
            Failure ??= exception;
            throw;
        }
    }

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

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

    private int ReadBlocks(Span<byte> buffer)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var wanted = (int)Math.Clamp(Length - Position, 0, buffer.Length);
        var done = 0;
        if (wanted > BlockBytes)
        {
            done = Fetch(Position, buffer[..wanted]);
        }

        while (done < wanted)
        {
            var at = Position + done;
            var bytes = Block(at / BlockBytes).AsSpan((int)(at % BlockBytes));
            var count = Math.Min(bytes.Length, wanted - done);
            bytes[..count].CopyTo(buffer[done..]);
            done += count;
        }

        Position += done;
        return done;
    }

    private byte[] Block(long number)
    {
        if (!_blocks.TryGetValue(number, out var block))
        {
            if (_blocks.Count == MaxBlocks)
            {
                _blocks.Remove(_blocks.MinBy(static pair => pair.Value.Use).Key);
            }

            block.Bytes = new byte[(int)Math.Min(BlockBytes, Length - (number * BlockBytes))];
            Fetch(number * BlockBytes, block.Bytes);
        }

        _blocks[number] = (block.Bytes, ++_uses);
        return block.Bytes;
    }

    // The library has no asynchronous interface; this is its own thread, which nobody else needs.
    private int Fetch(long offset, Span<byte> target)
    {
        var bytes = new byte[target.Length];
        var read = source.ReadAsync(offset, bytes, cancellationToken).AsTask().GetAwaiter().GetResult();
        if (read != bytes.Length)
        {
            throw new DataFormatException(DataErrors.Truncated, "The file ends before its content does.");
        }

        bytes.CopyTo(target);
        return read;
    }
}
