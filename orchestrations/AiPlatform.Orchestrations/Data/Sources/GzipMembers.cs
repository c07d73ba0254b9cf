using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>
/// Expands gzip (RFC 1952) member by member and verifies each: header, CRC-32, length, and that nothing but further members or zeros
/// follows. The runtime's reader takes a stream that is cut off, or has something behind its end, for a whole one.
/// </summary>
/// <param name="source">Must be able to seek.</param>
internal sealed class GzipMembers(Stream source) : IAsyncDisposable
{
    private const int TrailerBytes = 8;
    private const int Text = 1, HeaderCrc = 2, Extra = 4, Name = 8, Comment = 16;

    private static ReadOnlySpan<byte> Magic => [0x1F, 0x8B, 8];

    private readonly Crc32 _crc = new();
    private readonly byte[] _one = new byte[1];
    private WindowStream? _window;
    private DeflateStream? _member;
    private long _length;
    private bool _ended;

    /// <summary>Fills the buffer; fewer bytes only at the end.</summary>
    /// <exception cref="InvalidDataException">What follows is not what gzip demands.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var total = 0;
        while (total < buffer.Length && !_ended)
        {
            _member ??= await OpenAsync(cancellationToken);
            var count = await _member.ReadAsync(buffer[total..], cancellationToken);
            if (count == 0)
            {
                await CloseAsync(cancellationToken);
                continue;
            }

            _crc.Append(buffer.Span.Slice(total, count));
            _length += count;
            total += count;
        }

        return total;
    }

    public async ValueTask DisposeAsync()
    {
        if (_member is not null)
        {
            await _member.DisposeAsync();
        }
    }

    private async Task<DeflateStream> OpenAsync(CancellationToken cancellationToken)
    {
        var head = new byte[10];
        await ExactlyAsync(head, cancellationToken);
        if (!head.AsSpan().StartsWith(Magic) || (head[3] & ~(Text | HeaderCrc | Extra | Name | Comment)) != 0)
        {
            throw new InvalidDataException($"There is no gzip header at byte {source.Position - head.Length}.");
        }

        if ((head[3] & Extra) != 0)
        {
            var length = new byte[2];
            await ExactlyAsync(length, cancellationToken);
            source.Position += BinaryPrimitives.ReadUInt16LittleEndian(length);
        }

        foreach (var flag in new[] { head[3] & Name, head[3] & Comment })
        {
            while (flag != 0)
            {
                await ExactlyAsync(_one, cancellationToken);
                if (_one[0] == 0)
                {
                    break;
                }
            }
        }

        source.Position += (head[3] & HeaderCrc) != 0 ? 2 : 0;
        _window = new WindowStream(source);
        return new DeflateStream(_window, CompressionMode.Decompress, leaveOpen: true);
    }

    // The reader fetches more than it needs: where the member ends is where its trailer stands in what was fetched last.
    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        await _member!.DisposeAsync();
        _member = null;
        var trailer = new byte[TrailerBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc.GetCurrentHashAsUInt32());
        BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(4), (uint)_length);
        var last = new byte[_window!.LastCount + TrailerBytes + Magic.Length];
        source.Position = _window.LastStart;
        var read = await source.ReadAtLeastAsync(last, last.Length, throwOnEndOfStream: false, cancellationToken);
        var found = Find(last.AsSpan(0, read), trailer, source.Position == source.Length);
        if (found < 0)
        {
            throw new InvalidDataException("The gzip stream is cut off, or its checksum or length is wrong.");
        }

        source.Position = _window.LastStart + found + TrailerBytes;
        _crc.Reset();
        _length = 0;
        await FindNextAsync(cancellationToken);
    }

    // The trailer of an empty member is zeros and may be seen too soon: one that the next member or the end follows is the right one.
    private static int Find(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> trailer, bool isEnd)
    {
        var first = bytes.IndexOf(trailer);
        for (var at = first; at >= 0 && at + TrailerBytes <= bytes.Length; at++)
        {
            var rest = bytes[(at + TrailerBytes)..];
            if (bytes[at..].StartsWith(trailer) && (rest.StartsWith(Magic) || (rest.Length == 0 && isEnd)))
            {
                return at;
            }
        }

        return first;
    }

    // Behind a member is the next one or the end, which may be padded with zeros.
    private async Task FindNextAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        var isPadding = false;
        while (true)
        {
            var begin = source.Position;
            var read = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            if (read == 0)
            {
                _ended = true;
                return;
            }

            if (!isPadding && buffer[0] == 0x1F)
            {
                source.Position = begin;
                return;
            }

            var other = buffer.AsSpan(0, read).IndexOfAnyExcept((byte)0);
            if (other >= 0)
            {
                throw new InvalidDataException($"Something that is no gzip follows the end, at byte {begin + other}.");
            }

            isPadding = true;
        }
    }

    private async Task ExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) < buffer.Length)
        {
            throw new InvalidDataException("The gzip stream is cut off.");
        }
    }

    /// <summary>Remembers where the last bytes came from.</summary>
    private sealed class WindowStream(Stream inner) : Stream
    {
        public long LastStart { get; private set; } = inner.Position;

        public int LastCount { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var start = inner.Position;
            var count = await inner.ReadAsync(buffer, cancellationToken);
            if (count > 0)
            {
                (LastStart, LastCount) = (start, count);
            }

            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void Flush()
        {
            // Nothing is written.
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
