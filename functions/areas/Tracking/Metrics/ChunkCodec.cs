using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// The bytes of a chunk: column by column, so that what repeats lies together. Lanes as runs, steps and times as differences
/// of differences, values as XOR with the value before in eight byte planes. After the header comes the packed part (Brotli of
/// lanes, steps, times and the planes that compress), then the raw planes; both kinds of planes from the highest byte on.
/// </summary>
internal static class ChunkCodec
{
    private const int Planes = sizeof(double);
    private const int MaxColumnBytes = 4 * Varint.MaxBytes;

    /// <summary>Encodes points in series order.</summary>
    public static byte[] Encode(ReadOnlySpan<StoredPoint> points)
    {
        var planes = ArrayPool<byte>.Shared.Rent(points.Length * Planes);
        var unpacked = ArrayPool<byte>.Shared.Rent(points.Length * (MaxColumnBytes + Planes));
        var packed = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(unpacked.Length));
        try
        {
            WritePlanes(points, planes);
            var length = WriteColumns(points, unpacked);
            var (storages, rawLength) = (0, 0);
            for (var plane = 0; plane < Planes; plane++)
            {
                var bytes = planes.AsSpan(plane * points.Length, points.Length);
                var storage = BytePlane.StorageOf(bytes);
                storages |= (int)storage << (2 * plane);
                if (storage == PlaneStorage.Packed)
                {
                    bytes.CopyTo(unpacked.AsSpan(length));
                    length += bytes.Length;
                }
                else if (storage == PlaneStorage.Raw)
                {
                    // What was there has had its turn.
                    bytes.CopyTo(planes.AsSpan(rawLength));
                    rawLength += bytes.Length;
                }
            }

            if (!BrotliEncoder.TryCompress(unpacked.AsSpan(0, length), packed, out var packedLength, quality: 2, window: 18))
            {
                throw new InvalidOperationException("A chunk could not be compressed.");
            }

            Span<byte> header = stackalloc byte[ChunkHeader.MaxBytes];
            header = header[..ChunkHeader.Write(header, points.Length, length, (ushort)storages, packedLength)];
            return [.. header, .. packed.AsSpan(0, packedLength), .. planes.AsSpan(0, rawLength)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            ArrayPool<byte>.Shared.Return(unpacked);
            ArrayPool<byte>.Shared.Return(planes);
        }
    }

    /// <summary>How many points a chunk has.</summary>
    public static int Count(ReadOnlySpan<byte> chunk) => ChunkHeader.Read(chunk).Points;

    /// <summary>Appends a chunk's points.</summary>
    public static void Decode(ReadOnlySpan<byte> chunk, List<StoredPoint> points)
    {
        var first = points.Count;
        CollectionsMarshal.SetCount(points, first + Count(chunk));
        Decode(chunk, CollectionsMarshal.AsSpan(points)[first..]);
    }

    /// <summary>Writes a chunk's points to where <see cref="Count"/> of them fit.</summary>
    public static void Decode(ReadOnlySpan<byte> chunk, Span<StoredPoint> points)
    {
        var header = ChunkHeader.Read(chunk);
        points = points[..header.Points];
        var unpacked = ArrayPool<byte>.Shared.Rent(header.UnpackedLength);
        var columns = ArrayPool<long>.Shared.Rent(2 * points.Length);
        var values = ArrayPool<ulong>.Shared.Rent(points.Length);
        try
        {
            var source = unpacked.AsSpan(0, header.UnpackedLength);
            if (!BrotliDecoder.TryDecompress(chunk.Slice(header.PackedOffset, header.PackedLength), source, out var written) || written != source.Length)
            {
                throw new InvalidDataException("A chunk of metrics cannot be read.");
            }

            var steps = columns.AsSpan(0, points.Length);
            var times = columns.AsSpan(points.Length, points.Length);
            var position = SkipLanes(source, points.Length);
            ReadDifferences(source, ref position, steps);
            ReadDifferences(source, ref position, times);
            ReadValues(header, source[position..], chunk[(header.PackedOffset + header.PackedLength)..], values.AsSpan(0, points.Length));
            Write(source, steps, times, values, points);
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(values);
            ArrayPool<long>.Shared.Return(columns);
            ArrayPool<byte>.Shared.Return(unpacked);
        }
    }

    private static void WritePlanes(ReadOnlySpan<StoredPoint> points, Span<byte> target)
    {
        ulong last = 0;
        for (var i = 0; i < points.Length; i++)
        {
            var bits = BitConverter.DoubleToUInt64Bits(points[i].Value);
            var difference = bits ^ last;
            last = bits;
            for (var plane = 0; plane < Planes; plane++)
            {
                target[(plane * points.Length) + i] = (byte)(difference >> Shift(plane));
            }
        }
    }

    private static int WriteColumns(ReadOnlySpan<StoredPoint> points, Span<byte> target)
    {
        var position = 0;
        for (var i = 0; i < points.Length;)
        {
            var run = 1;
            while (i + run < points.Length && points[i + run].Lane == points[i].Lane)
            {
                run++;
            }

            Varint.Write(target, ref position, (ulong)points[i].Lane);
            Varint.Write(target, ref position, (ulong)run);
            i += run;
        }

        long previous = 0, delta = 0;
        foreach (ref readonly var point in points)
        {
            WriteDifference(target, ref position, point.Step, ref previous, ref delta);
        }

        (previous, delta) = (0, 0);
        foreach (ref readonly var point in points)
        {
            WriteDifference(target, ref position, point.At, ref previous, ref delta);
        }

        return position;
    }

    private static void WriteDifference(Span<byte> target, ref int position, long value, ref long previous, ref long delta)
    {
        var next = unchecked(value - previous);
        Varint.WriteSigned(target, ref position, unchecked(next - delta));
        (previous, delta) = (value, next);
    }

    private static int SkipLanes(ReadOnlySpan<byte> source, int points)
    {
        var position = 0;
        for (long left = points; left > 0;)
        {
            Varint.Read(source, ref position);
            left -= Run(Varint.Read(source, ref position), left);
        }

        return position;
    }

    private static int Run(ulong stored, long left) => stored > 0 && stored <= (ulong)left ? (int)stored : throw new InvalidDataException("A chunk of metrics has lanes for other points than its own.");

    private static void ReadDifferences(ReadOnlySpan<byte> source, ref int position, Span<long> target)
    {
        long previous = 0, delta = 0;
        var at = position;
        foreach (ref var value in target)
        {
            delta = unchecked(delta + Varint.ReadSigned(source, ref at));
            value = previous = unchecked(previous + delta);
        }

        position = at;
    }

    // The bits of each value, still as the difference to the value before.
    private static void ReadValues(in ChunkHeader header, ReadOnlySpan<byte> packed, ReadOnlySpan<byte> raw, Span<ulong> values)
    {
        values.Clear();
        for (var plane = 0; plane < Planes; plane++)
        {
            switch (header.StorageOf(plane))
            {
                case PlaneStorage.Zero:
                    break;
                case PlaneStorage.Packed:
                    BytePlane.Merge(Take(ref packed, values.Length), Shift(plane), values);
                    break;
                case PlaneStorage.Raw:
                    BytePlane.Merge(Take(ref raw, values.Length), Shift(plane), values);
                    break;
                default:
                    throw new InvalidDataException("A chunk of metrics stores values in a way that is not known.");
            }
        }
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> source, int length)
    {
        if (source.Length < length)
        {
            throw new InvalidDataException("A chunk of metrics is cut off.");
        }

        var plane = source[..length];
        source = source[length..];
        return plane;
    }

    private static void Write(ReadOnlySpan<byte> lanes, ReadOnlySpan<long> steps, ReadOnlySpan<long> times, ReadOnlySpan<ulong> values, Span<StoredPoint> points)
    {
        ulong bits = 0;
        var position = 0;
        for (var i = 0; i < points.Length;)
        {
            var lane = (int)Varint.Read(lanes, ref position);
            for (var end = i + (int)Varint.Read(lanes, ref position); i < end; i++)
            {
                bits ^= values[i];
                points[i] = new StoredPoint(steps[i], times[i], BitConverter.UInt64BitsToDouble(bits), lane);
            }
        }
    }

    private static int Shift(int plane) => 8 * (Planes - 1 - plane);
}
