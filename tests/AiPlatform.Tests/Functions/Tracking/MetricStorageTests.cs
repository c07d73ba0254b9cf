using AiPlatform.Functions.Features.Experiments.Metrics;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class MetricStorageTests
{
    private static readonly Gen<double> Value = Gen.OneOf(Gen.Double, Gen.Const(double.NaN), Gen.Const(double.PositiveInfinity), Gen.Const(double.NegativeInfinity), Gen.Const(-0.0));

    private static readonly Gen<StoredPoint> Point =
        Gen.Select(Gen.OneOf(Gen.Long[-5, 5], Gen.Long), Gen.OneOf(Gen.Long[0, 3], Gen.Long), Value, Gen.Int[2, 5], (step, at, value, lane) => new StoredPoint(step, at, value, lane));

    [Fact]
    public void Every_chunk_is_read_as_it_was_written()
        => Point.Array[1, 300].Sample(points =>
        {
            var read = new List<StoredPoint>();
            ChunkCodec.Decode(ChunkCodec.Encode(points), read);
            Assert.Equal(points, read);
        });

    [Fact]
    public void Many_chunks_of_several_series_are_decoded_side_by_side()
    {
        var random = new Random(3);
        var written = Enumerable.Range(0, 3).Select(_ => Enumerable.Range(0, 40_000).Select(i => new StoredPoint(i, i * 7L, random.NextDouble(), 2)).ToArray()).ToList();
        var read = written.ConvertAll(_ => new List<StoredPoint>());
        var batch = new ChunkBatch();
        for (var first = 0; first < 40_000; first += 1_000)
        {
            for (var series = 0; series < written.Count; series++)
            {
                batch.Add(read[series], ChunkCodec.Encode(written[series].AsSpan(first, 1_000)));
            }
        }

        batch.Decode();
        Assert.Equal(written.SelectMany(static series => series), read.SelectMany(static series => series));
    }

    [Fact]
    public void Every_log_row_is_read_as_it_was_written_compressed_or_not()
        => Gen.Select(Gen.String[1, 12].Where(key => !key.Any(char.IsSurrogate)), Gen.Long, Gen.Long, Value, (key, step, at, value) => new MetricRow(key, step, at, value))
            .Array[1, 200].Select(Gen.Bool).Sample((rows, compress) =>
            {
                var payload = MetricPayload.Encode(rows, compress);
                var read = new List<MetricRow>();
                MetricPayload.Decode(payload, read.Add);
                Assert.Equal(rows, read);
                read.Clear();
                MetricPayload.Decode(payload, read.Add, rows[0].Key);
                Assert.Equal(rows.Where(row => row.Key == rows[0].Key), read);
            });

    [Fact]
    public void Sequences_are_new_exactly_once_and_holes_are_known()
        => Gen.Select(Gen.Long[0, 60], Gen.Int[1, 12]).Array[0, 30].Sample(batches =>
        {
            var set = new SequenceSet();
            var naive = new SortedSet<long>();
            foreach (var (first, count) in batches)
            {
                var sent = Enumerable.Range(0, count).Select(i => first + i).ToList();
                var added = set.Add(first, count).SelectMany(range => Enumerable.Range(0, (int)(range.Last - range.First + 1)).Select(i => range.First + i)).ToList();
                Assert.Equal(sent.Where(sequence => !naive.Contains(sequence)), added);
                naive.UnionWith(sent);
                set = new SequenceSet(set.ToRanges());
            }

            Assert.Equal(naive.Count, set.Count);
            var next = Enumerable.Range(0, 100).First(i => !naive.Contains(i));
            Assert.Equal(next, set.Next);
            var missing = naive.Count == 0 ? [] : Enumerable.Range(0, (int)naive.Max).Select(i => (long)i).Where(i => !naive.Contains(i)).ToList();
            Assert.Equal(missing, set.Gaps(int.MaxValue).SelectMany(gap => Enumerable.Range(0, (int)(gap[1] - gap[0] + 1)).Select(i => gap[0] + i)));
            Assert.Equal(missing.Count == 0, set.IsComplete);
        });

    [Fact]
    public void Equal_points_are_one_where_nobody_numbers_them()
    {
        StoredPoint[] points =
        [
            new(2, 1, 5, MetricLane.Of(1, numbered: false)), new(1, 1, 5, MetricLane.Of(1, numbered: false)), new(1, 1, double.NaN, MetricLane.Of(1, numbered: false)),
            new(1, 1, 5, MetricLane.Of(1, numbered: false)), new(1, 1, double.NaN, MetricLane.Of(1, numbered: false)),
            new(1, 1, 5, MetricLane.Of(1, numbered: true)), new(1, 1, 5, MetricLane.Of(1, numbered: true)),
        ];
        Assert.Equal(5, StoredPoint.Normalize(points));
        Assert.Equal([double.NaN, 5, 5, 5, 5], points[..5].Select(point => point.Value));
    }

    [Fact]
    public void A_chunk_of_a_loss_curve_takes_less_than_ten_bytes_a_point()
    {
        var random = new Random(7);
        var points = Enumerable.Range(0, MetricCompaction.ChunkPoints)
            .Select(i => new StoredPoint(i, 1_700_000_000_000_000 + (i * 250_000L) + random.Next(0, 40_000), (float)(2.0 / (1 + (i * 0.01)) + (random.NextDouble() * 0.1)), 3)).ToArray();
        var bytes = ChunkCodec.Encode(points).Length / (double)points.Length;
        Assert.True(bytes < 8, $"{bytes:0.00} bytes a point");
    }

    [Fact]
    public void Down_sampling_keeps_every_point_in_its_bucket_and_the_exact_extremes()
        => Point.Array[0, 300].Select(Gen.Int[1, 50]).Sample((points, buckets) =>
        {
            var series = points[..StoredPoint.Normalize(points)];
            var result = DownSampling.Of(series, buckets, smoothing: null);
            Assert.True(result.Count <= buckets);
            Assert.Equal(series.Length, result.Sum(bucket => bucket.Count));
            var rest = series.AsSpan();
            foreach (var bucket in result)
            {
                var part = rest[..bucket.Count].ToArray();
                rest = rest[bucket.Count..];
                var values = part.Select(point => point.Value).Where(value => !double.IsNaN(value)).ToList();
                Assert.Equal((part[0].Step, part[^1].Step, part[^1].Value), (bucket.FirstStep, bucket.LastStep, bucket.Last));
                Assert.Equal(values.Count == 0 ? (double?)null : values.Min(), bucket.Min);
                Assert.Equal(values.Count == 0 ? (double?)null : values.Max(), bucket.Max);
            }
        });
}
