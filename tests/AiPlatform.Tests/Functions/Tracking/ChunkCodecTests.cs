using System.IO.Compression;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Tracking.Metrics;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class ChunkCodecTests
{
    private static readonly Gen<double> Special = Gen.OneOf(
        Gen.Const(0.0), Gen.Const(-0.0), Gen.Const(double.NaN), Gen.Const(double.PositiveInfinity), Gen.Const(double.NegativeInfinity), Gen.Const(double.Epsilon), Gen.Const(double.MaxValue));

    private static readonly Gen<double> Single = Gen.Double[-10, 10].Select(value => (double)(float)value);
    private static readonly Gen<long> Number = Gen.OneOf(Gen.Long[-5, 5], Gen.Long, Gen.Const(long.MinValue), Gen.Const(long.MaxValue));

    // Chunks of one kind of values each, for a plane is stored by what all of its bytes are.
    private static readonly Gen<StoredPoint[]> Points = Gen.OneOf(Of(Special), Of(Single), Of(Gen.Double), Of(Gen.Const(0.0)), Of(Gen.Const(1.5)), Of(Gen.OneOf(Special, Single)));

    [Fact]
    public void Every_chunk_is_read_as_it_was_written()
        => Points.Sample(points => Assert.Equal(points, Decode(ChunkCodec.Encode(points))));

    [Fact]
    public void Chunks_of_the_first_format_are_read()
        => Points.Sample(points => Assert.Equal(points, Decode(EncodeFirstFormat(points))));

    [Fact]
    public void The_bits_of_a_value_that_is_no_number_are_kept()
    {
        var bits = new[] { 0x7FF8_0000_0000_0001UL, 0xFFF8_0000_0000_0000UL, 0x8000_0000_0000_0000UL, 0UL };
        var points = bits.Select((value, step) => new StoredPoint(step, 0, BitConverter.UInt64BitsToDouble(value), 2)).ToArray();
        Assert.Equal(bits, Decode(ChunkCodec.Encode(points)).Select(point => BitConverter.DoubleToUInt64Bits(point.Value)));
    }

    [Fact]
    public void Planes_that_do_not_compress_are_raw_and_those_of_zeros_are_left_out()
    {
        var random = new Random(5);
        Assert.Equal(
            [PlaneStorage.Packed, PlaneStorage.Packed, PlaneStorage.Raw, PlaneStorage.Raw, PlaneStorage.Packed, PlaneStorage.Zero, PlaneStorage.Zero, PlaneStorage.Zero],
            Storages(_ => (float)(1 + random.NextDouble())));
        Assert.All(Storages(_ => random.NextInt64(1L << 53) * Math.Pow(2, -53)).Skip(2), storage => Assert.Equal(PlaneStorage.Raw, storage));
        Assert.All(Storages(_ => 0), storage => Assert.Equal(PlaneStorage.Zero, storage));
        Assert.DoesNotContain(PlaneStorage.Raw, Storages(_ => 0.1));
    }

    [Theory]
    [InlineData(true, 6.5)]
    [InlineData(false, 9.5)]
    public void A_chunk_of_a_noisy_loss_curve_takes_less_than_ten_bytes_a_point(bool rounded, double atMost)
    {
        var random = new Random(7);
        var bytes = ChunkCodec.Encode(Chunk(i => 2.0 / (1 + (i * 0.01)) + (random.NextDouble() * 0.1) is var value && rounded ? (float)value : value)).Length / 1_000.0;
        Assert.True(bytes < atMost, $"{bytes:0.00} bytes a point");
    }

    [Fact]
    public void A_chunk_that_was_cut_off_or_changed_is_never_read_beyond_its_end()
    {
        var random = new Random(11);
        var chunk = ChunkCodec.Encode(Chunk(_ => random.NextDouble()));
        for (var length = 0; length < chunk.Length; length += 7)
        {
            var part = chunk[..length];
            Assert.True(Record.Exception(() => Decode(part)) is InvalidDataException or IndexOutOfRangeException or ArgumentOutOfRangeException, $"{length} bytes were read");
        }

        for (var i = 0; i < 2_000; i++)
        {
            var changed = chunk.ToArray();
            changed[random.Next(0, 40)] = (byte)random.Next(256);
            var error = Record.Exception(() =>
            {
                if (ChunkCodec.Count(changed) <= 100_000)
                {
                    Decode(changed);
                }
            });
            Assert.True(error is null or InvalidDataException or IndexOutOfRangeException or ArgumentOutOfRangeException, $"{error}");
        }

        Assert.Throws<InvalidDataException>(() => Decode([3, .. chunk[1..]]));
    }

    private static Gen<StoredPoint[]> Of(Gen<double> values)
        => Gen.Select(Number, Number, values, Gen.Int[2, 5], static (step, at, value, lane) => new StoredPoint(step, at, value, lane)).Array[1, 600];

    private static List<StoredPoint> Decode(byte[] chunk)
    {
        var points = new List<StoredPoint>();
        ChunkCodec.Decode(chunk, points);
        return points;
    }

    private static StoredPoint[] Chunk(Func<int, double> value)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, MetricCompaction.ChunkPoints).Select(i => new StoredPoint(i, 1_700_000_000_000_000 + (i * 250_000L) + random.Next(0, 40_000), value(i), 3))];
    }

    private static IEnumerable<PlaneStorage> Storages(Func<int, double> value)
    {
        var header = ChunkHeader.Read(ChunkCodec.Encode(Chunk(value)));
        return Enumerable.Range(0, 8).Select(plane => header.StorageOf(plane));
    }

    // As it was written until format 2 came: every column in one compressed part.
    private static byte[] EncodeFirstFormat(StoredPoint[] points)
    {
        var columns = new byte[points.Length * ((4 * Varint.MaxBytes) + sizeof(double))];
        var length = 0;
        foreach (var point in points)
        {
            Varint.Write(columns, ref length, (ulong)point.Lane);
            Varint.Write(columns, ref length, 1);
        }

        foreach (var column in new Func<StoredPoint, long>[] { point => point.Step, point => point.At })
        {
            var (previous, delta) = (0L, 0L);
            foreach (var value in points.Select(column))
            {
                var next = unchecked(value - previous);
                Varint.WriteSigned(columns, ref length, unchecked(next - delta));
                (previous, delta) = (value, next);
            }
        }

        for (var plane = 0; plane < sizeof(double); plane++)
        {
            ulong last = 0;
            foreach (var bits in points.Select(point => BitConverter.DoubleToUInt64Bits(point.Value)))
            {
                columns[length++] = (byte)((bits ^ last) >> (56 - (plane * 8)));
                last = bits;
            }
        }

        var chunk = new byte[1 + (2 * Varint.MaxBytes) + BrotliEncoder.GetMaxCompressedLength(length)];
        var position = 0;
        chunk[position++] = 1;
        Varint.Write(chunk, ref position, (ulong)points.Length);
        Varint.Write(chunk, ref position, (ulong)length);
        Assert.True(BrotliEncoder.TryCompress(columns.AsSpan(0, length), chunk.AsSpan(position), out var written, quality: 2, window: 18));
        return chunk[..(position + written)];
    }
}
