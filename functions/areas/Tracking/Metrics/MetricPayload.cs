using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using AiPlatform.Kernel.Http;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// The bytes of one log row: the keys once, then the points as differences to the point before. Format 1 is plain, format 2
/// the same compressed (rows that compaction merged), format 0 one series as the migration wrote it.
/// </summary>
internal static class MetricPayload
{
    private const byte Migrated = 0;
    private const byte Plain = 1;
    private const byte Compressed = 2;
    private const int MaxPointBytes = 5 + Varint.MaxBytes + Varint.MaxBytes + 8;

    /// <summary>Encodes points in their order.</summary>
    public static byte[] Encode(ReadOnlySpan<MetricRow> points, bool compress = false)
    {
        var keys = new Dictionary<string, int>(StringComparer.Ordinal);
        var keyBytes = 0;
        foreach (ref readonly var point in points)
        {
            if (keys.TryAdd(point.Key, keys.Count))
            {
                keyBytes += Encoding.UTF8.GetMaxByteCount(point.Key.Length) + Varint.MaxBytes;
            }
        }

        var buffer = ArrayPool<byte>.Shared.Rent(1 + (2 * Varint.MaxBytes) + keyBytes + (points.Length * MaxPointBytes));
        try
        {
            var length = Write(points, keys, buffer);
            return compress ? Compress(buffer.AsSpan(0, length)) : buffer.AsSpan(0, length).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Finds where the points of a key go; false when they are not wanted. Called once for a key.</summary>
    public delegate bool SeriesOf<TSeries>(string key, out TSeries series);

    /// <summary>Calls <paramref name="point"/> with series, step, microseconds since 1970 and value of every point that is wanted.</summary>
    public static void Decode<TSeries>(ReadOnlySpan<byte> payload, SeriesOf<TSeries> seriesOf, Action<TSeries, long, long, double> point)
    {
        switch (payload[0])
        {
            case Migrated:
                ReadMigrated(payload[1..], seriesOf, point);
                break;
            case Plain:
                ReadPlain(payload, seriesOf, point);
                break;
            case Compressed:
                var position = 1;
                var raw = new byte[(int)Varint.Read(payload, ref position)];
                if (!BrotliDecoder.TryDecompress(payload[position..], raw, out var written) || written != raw.Length)
                {
                    throw new InvalidDataException("A compressed log row of metrics cannot be read.");
                }

                ReadPlain(raw, seriesOf, point);
                break;
            default:
                throw new InvalidDataException($"Log rows of format {payload[0]} are not known.");
        }
    }

    private static int Write(ReadOnlySpan<MetricRow> points, Dictionary<string, int> keys, Span<byte> target)
    {
        var position = 0;
        target[position++] = Plain;
        Varint.Write(target, ref position, (ulong)keys.Count);
        foreach (var key in keys.Keys)
        {
            Varint.Write(target, ref position, (ulong)Encoding.UTF8.GetByteCount(key));
            position += Encoding.UTF8.GetBytes(key, target[position..]);
        }

        Varint.Write(target, ref position, (ulong)points.Length);
        long step = 0, at = 0;
        foreach (ref readonly var point in points)
        {
            if (keys.Count > 1)
            {
                Varint.Write(target, ref position, (ulong)keys[point.Key]);
            }

            Varint.WriteSigned(target, ref position, unchecked(point.Step - step));
            Varint.WriteSigned(target, ref position, unchecked(point.At - at));
            BinaryPrimitives.WriteDoubleLittleEndian(target[position..], point.Value);
            position += sizeof(double);
            (step, at) = (point.Step, point.At);
        }

        return position;
    }

    private static byte[] Compress(ReadOnlySpan<byte> raw)
    {
        var result = new byte[1 + Varint.MaxBytes + BrotliEncoder.GetMaxCompressedLength(raw.Length)];
        var position = 0;
        result[position++] = Compressed;
        Varint.Write(result, ref position, (ulong)raw.Length);
        if (!BrotliEncoder.TryCompress(raw, result.AsSpan(position), out var written, quality: 2, window: 18))
        {
            throw new InvalidOperationException("A log row of metrics could not be compressed.");
        }

        return result[..(position + written)];
    }

    private static void ReadPlain<TSeries>(ReadOnlySpan<byte> source, SeriesOf<TSeries> seriesOf, Action<TSeries, long, long, double> point)
    {
        var position = 1;
        var keys = (int)Varint.Read(source, ref position);
        var series = new TSeries[keys];
        var wanted = new bool[keys];
        for (var i = 0; i < keys; i++)
        {
            var length = (int)Varint.Read(source, ref position);
            wanted[i] = seriesOf(Encoding.UTF8.GetString(source.Slice(position, length)), out series[i]);
            position += length;
        }

        if (!wanted.AsSpan().Contains(true))
        {
            return;
        }

        var count = (int)Varint.Read(source, ref position);
        long step = 0, at = 0;
        for (var i = 0; i < count; i++)
        {
            var key = keys > 1 ? (int)Varint.Read(source, ref position) : 0;
            step = unchecked(step + Varint.ReadSigned(source, ref position));
            at = unchecked(at + Varint.ReadSigned(source, ref position));
            if (wanted[key])
            {
                point(series[key], step, at, BinaryPrimitives.ReadDoubleLittleEndian(source[position..]));
            }

            position += sizeof(double);
        }
    }

    private static void ReadMigrated<TSeries>(ReadOnlySpan<byte> source, SeriesOf<TSeries> seriesOf, Action<TSeries, long, long, double> point)
    {
        var length = BinaryPrimitives.ReadInt16BigEndian(source);
        if (!seriesOf(Encoding.UTF8.GetString(source.Slice(2, length)), out var series))
        {
            return;
        }

        for (var rest = source[(2 + length)..]; rest.Length > 0; rest = rest[24..])
        {
            point(series, BinaryPrimitives.ReadInt64BigEndian(rest), BinaryPrimitives.ReadInt64BigEndian(rest[8..]), BinaryPrimitives.ReadDoubleBigEndian(rest[16..]));
        }
    }
}
