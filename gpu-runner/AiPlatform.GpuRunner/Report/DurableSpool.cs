using System.Buffers.Binary;
using System.IO.Hashing;
using AiPlatform.Hosting;
using Microsoft.Win32.SafeHandles;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// An append-only file of records that must reach the platform although it, or this process, may go away.
/// An append ends when its record is on disk (one flush serves all appends that wait). Reading starts behind the last
/// acknowledged record, also after a crash; a torn record at the end was never acknowledged to its writer and is cut off.
/// </summary>
/// <remarks>
/// Record: length (uint32), CRC-32 of the payload (uint32), payload; little endian. The file <c>.ack</c> holds the acknowledged
/// offset (int64) and its CRC-32. It is not flushed: after a power loss records may be sent again, so receivers are idempotent.
/// </remarks>
internal sealed class DurableSpool : IAsyncDisposable
{
    /// <summary>The longest payload.</summary>
    public const int MaxPayload = 4 << 20;

    private const int HeaderSize = 8;
    private const int AckSize = 12;

    // A file that has been sent whole is cut to nothing above this size, so that long jobs do not fill the disk.
    private const long CompactAbove = 4 << 20;

    private readonly SafeFileHandle _file;
    private readonly SafeFileHandle _ackFile;
    private readonly GroupCommitWriter<byte[]> _writer;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _room = new(0, 1);
    private readonly long _limit;
    private long _length;
    private long _acknowledged;
    private long _generation;

    private DurableSpool(SafeFileHandle file, SafeFileHandle ackFile, long length, long acknowledged, long limit)
    {
        (_file, _ackFile, _length, _acknowledged, _limit) = (file, ackFile, length, acknowledged, limit);
        _writer = new GroupCommitWriter<byte[]>(WriteAsync);
    }

    /// <summary>Bytes that have not been acknowledged.</summary>
    public long Pending
    {
        get
        {
            lock (_gate)
            {
                return _length - _acknowledged;
            }
        }
    }

    /// <summary>Opens or creates a spool.</summary>
    /// <param name="path">Its file; <c>path + ".ack"</c> is beside it.</param>
    /// <param name="limit">Unsent bytes above which appends wait.</param>
    public static DurableSpool Open(string path, long limit = 1L << 30)
    {
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        SafeFileHandle? ackFile = null;
        try
        {
            ackFile = File.OpenHandle(path + ".ack", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var length = FindEnd(file);
            if (length < RandomAccess.GetLength(file))
            {
                RandomAccess.SetLength(file, length);
            }

            return new DurableSpool(file, ackFile, length, ReadAcknowledged(ackFile, length), limit);
        }
        catch
        {
            ackFile?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends a record; ends when it is durable. Waits while the spool is full; only that wait can be cancelled.</summary>
    public async Task AppendAsync(byte[] payload, CancellationToken cancellationToken)
    {
        if (payload.Length > MaxPayload)
        {
            throw new ArgumentException($"A record has at most {MaxPayload} bytes, this one has {payload.Length}.", nameof(payload));
        }

        while (Pending > _limit)
        {
            await _room.WaitAsync(TimeSpan.FromMilliseconds(200), cancellationToken).ConfigureAwait(false);
        }

        // Not cancelled once begun: whoever waits must know whether the record is there.
        await _writer.AddAsync(payload, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>The next unacknowledged records, at most so many and about so many bytes, but at least one when there is one.</summary>
    public IReadOnlyList<SpoolRecord> Read(int maxRecords, int maxBytes)
    {
        lock (_gate)
        {
            var records = new List<SpoolRecord>();
            var (position, bytes) = (_acknowledged, 0);
            while (position < _length && records.Count < maxRecords && (records.Count == 0 || bytes < maxBytes))
            {
                var payload = ReadRecord(_file, position, _length)
                    ?? throw new InvalidDataException($"The spool record at {position} changed on disk.");
                position += HeaderSize + payload.Length;
                bytes += payload.Length;
                records.Add(new SpoolRecord(payload, _generation, position));
            }

            return records;
        }
    }

    /// <summary>Forgets the records up to and including this one.</summary>
    public void Acknowledge(SpoolRecord record)
    {
        lock (_gate)
        {
            if (record.Generation != _generation || record.End <= _acknowledged)
            {
                return;
            }

            SetAcknowledged(record.End);
        }

        if (_room.CurrentCount == 0)
        {
            _room.Release();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync().ConfigureAwait(false);
        _file.Dispose();
        _ackFile.Dispose();
        _room.Dispose();
    }

    private Task WriteAsync(IReadOnlyList<byte[]> payloads, CancellationToken cancellationToken)
    {
        var buffer = new byte[payloads.Sum(static payload => HeaderSize + payload.Length)];
        var offset = 0;
        foreach (var payload in payloads)
        {
            BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(offset), payload.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(offset + 4), Crc32.HashToUInt32(payload));
            payload.CopyTo(buffer, offset + HeaderSize);
            offset += HeaderSize + payload.Length;
        }

        long start;
        lock (_gate)
        {
            if (_acknowledged == _length && _length > CompactAbove)
            {
                // In this order: a crash between the two steps sends records again instead of skipping new ones.
                SetAcknowledged(0);
                RandomAccess.SetLength(_file, 0);
                _length = 0;
                _generation++;
            }

            start = _length;
        }

        RandomAccess.Write(_file, buffer, start);
        RandomAccess.FlushToDisk(_file);
        lock (_gate)
        {
            _length = start + buffer.Length;
        }

        return Task.CompletedTask;
    }

    private void SetAcknowledged(long offset)
    {
        Span<byte> ack = stackalloc byte[AckSize];
        BinaryPrimitives.WriteInt64LittleEndian(ack, offset);
        BinaryPrimitives.WriteUInt32LittleEndian(ack[8..], Crc32.HashToUInt32(ack[..8]));
        RandomAccess.Write(_ackFile, ack, 0);
        _acknowledged = offset;
    }

    private static long ReadAcknowledged(SafeFileHandle ackFile, long length)
    {
        Span<byte> ack = stackalloc byte[AckSize];
        if (RandomAccess.Read(ackFile, ack, 0) != AckSize || Crc32.HashToUInt32(ack[..8]) != BinaryPrimitives.ReadUInt32LittleEndian(ack[8..]))
        {
            return 0;
        }

        var offset = BinaryPrimitives.ReadInt64LittleEndian(ack);
        return offset <= length ? offset : 0;
    }

    private static long FindEnd(SafeFileHandle file)
    {
        var (position, length) = (0L, RandomAccess.GetLength(file));
        while (ReadRecord(file, position, length) is { } payload)
        {
            position += HeaderSize + payload.Length;
        }

        return position;
    }

    private static byte[]? ReadRecord(SafeFileHandle file, long position, long end)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        if (position + HeaderSize > end || RandomAccess.Read(file, header, position) != HeaderSize)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length is < 0 or > MaxPayload || position + HeaderSize + length > end)
        {
            return null;
        }

        var payload = new byte[length];
        return RandomAccess.Read(file, payload, position + HeaderSize) == length
            && Crc32.HashToUInt32(payload) == BinaryPrimitives.ReadUInt32LittleEndian(header[4..])
            ? payload
            : null;
    }
}

/// <summary>A record of a spool.</summary>
/// <param name="Payload">What was appended.</param>
/// <param name="Generation">Counts how often the file was cut to nothing; an acknowledgement of an older one means nothing.</param>
/// <param name="End">Where the next record begins.</param>
internal sealed record SpoolRecord(byte[] Payload, long Generation, long End);
