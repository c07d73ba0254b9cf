using System.Buffers;
using System.IO.Compression;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

/// <summary>
/// The bytes of a chunk: column by column, so that what repeats lies together. Lanes as runs, steps and times as differences
/// of differences, values as XOR with the value before in eight byte planes; all of it compressed with Brotli.
/// </summary>
internal static class ChunkCodec
{
    private const byte Format = 1;
    private const int MaxPointBytes = (4 * Varint.MaxBytes) + sizeof(double);

    /// <summary>Encodes points in series order.</summary>
    public static byte[] Encode(ReadOnlySpan<StoredPoint> points)
    {
        var raw = ArrayPool<byte>.Shared.Rent((points.Length * MaxPointBytes) + Varint.MaxBytes);
        var packed = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(raw.Length));
        try
        {
            var length = Write(points, raw);
            if (!BrotliEncoder.TryCompress(raw.AsSpan(0, length), packed, out var written, quality: 2, window: 18))
            {
                throw new InvalidOperationException("A chunk could not be compressed.");
            }

            var result = new byte[1 + (2 * Varint.MaxBytes) + written];
            var position = 0;
            result[position++] = Format;
            Varint.Write(result, ref position, (ulong)points.Length);
            Varint.Write(result, ref position, (ulong)length);
            packed.AsSpan(0, written).CopyTo(result.AsSpan(position));
            return result[..(position + written)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            ArrayPool<byte>.Shared.Return(raw);
        }
    }

    /// <summary>How many points a chunk has.</summary>
    public static int Count(ReadOnlySpan<byte> chunk)
    {
        if (chunk[0] != Format)
        {
            throw new InvalidDataException($"Chunks of format {chunk[0]} are not known.");
        }

        var position = 1;
        return (int)Varint.Read(chunk, ref position);
    }

    /// <summary>Appends a chunk's points.</summary>
    public static void Decode(ReadOnlySpan<byte> chunk, List<StoredPoint> points)
    {
        var first = points.Count;
        System.Runtime.InteropServices.CollectionsMarshal.SetCount(points, first + Count(chunk));
        Decode(chunk, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(points)[first..]);
    }

    /// <summary>Writes a chunk's points to where <see cref="Count"/> of them fit.</summary>
    public static void Decode(ReadOnlySpan<byte> chunk, Span<StoredPoint> points)
    {
        var position = 1;
        Varint.Read(chunk, ref position);
        var length = (int)Varint.Read(chunk, ref position);
        var raw = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            if (!BrotliDecoder.TryDecompress(chunk[position..], raw.AsSpan(0, length), out var written) || written != length)
            {
                throw new InvalidDataException("A chunk of metrics cannot be read.");
            }

            Read(raw.AsSpan(0, length), points);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(raw);
        }
    }

    private static int Write(ReadOnlySpan<StoredPoint> points, Span<byte> target)
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

        ulong last = 0;
        for (var i = 0; i < points.Length; i++)
        {
            var bits = BitConverter.DoubleToUInt64Bits(points[i].Value);
            var difference = bits ^ last;
            last = bits;
            for (var plane = 0; plane < sizeof(double); plane++)
            {
                target[position + (plane * points.Length) + i] = (byte)(difference >> (56 - (plane * 8)));
            }
        }

        return position + (points.Length * sizeof(double));
    }

    private static void Read(ReadOnlySpan<byte> source, Span<StoredPoint> points)
    {
        var position = 0;
        for (var i = 0; i < points.Length;)
        {
            var lane = (int)Varint.Read(source, ref position);
            var run = (int)Varint.Read(source, ref position);
            for (var end = i + run; i < end; i++)
            {
                points[i] = new StoredPoint(0, 0, 0, lane);
            }
        }

        long previous = 0, delta = 0;
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = points[i] with { Step = ReadDifference(source, ref position, ref previous, ref delta) };
        }

        (previous, delta) = (0, 0);
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = points[i] with { At = ReadDifference(source, ref position, ref previous, ref delta) };
        }

        var planes = source.Slice(position, points.Length * sizeof(double));
        ulong last = 0;
        for (var i = 0; i < points.Length; i++)
        {
            ulong difference = 0;
            for (var plane = 0; plane < sizeof(double); plane++)
            {
                difference = (difference << 8) | planes[(plane * points.Length) + i];
            }

            last ^= difference;
            points[i] = points[i] with { Value = BitConverter.UInt64BitsToDouble(last) };
        }
    }

    private static void WriteDifference(Span<byte> target, ref int position, long value, ref long previous, ref long delta)
    {
        var next = unchecked(value - previous);
        Varint.WriteSigned(target, ref position, unchecked(next - delta));
        (previous, delta) = (value, next);
    }

    private static long ReadDifference(ReadOnlySpan<byte> source, ref int position, ref long previous, ref long delta)
    {
        delta = unchecked(delta + Varint.ReadSigned(source, ref position));
        previous = unchecked(previous + delta);
        return previous;
    }
}
