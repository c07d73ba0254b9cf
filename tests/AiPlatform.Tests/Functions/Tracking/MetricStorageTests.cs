using AiPlatform.Tracking.Metrics;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class MetricStorageTests
{
    private static readonly Gen<double> Value = Gen.OneOf(Gen.Double, Gen.Const(double.NaN), Gen.Const(double.PositiveInfinity), Gen.Const(double.NegativeInfinity), Gen.Const(-0.0));

    private static readonly Gen<StoredPoint> Point =
        Gen.Select(Gen.OneOf(Gen.Long[-5, 5], Gen.Long), Gen.OneOf(Gen.Long[0, 3], Gen.Long), Value, Gen.Int[2, 5], (step, at, value, lane) => new StoredPoint(step, at, value, lane));

    [Fact]
    public void Every_log_row_is_read_as_it_was_written_compressed_or_not()
        => Gen.Select(Gen.String[1, 12].Where(key => !key.Any(char.IsSurrogate)), Gen.Long, Gen.Long, Value, (key, step, at, value) => new MetricRow(key, step, at, value))
            .Array[1, 200].Select(Gen.Bool).Sample((rows, compress) =>
            {
                var payload = MetricPayload.Encode(rows, compress);
                var read = new List<MetricRow>();
                Read(_ => true);
                Assert.Equal(rows, read);
                read.Clear();
                Read(key => key == rows[0].Key);
                Assert.Equal(rows.Where(row => row.Key == rows[0].Key), read);

                void Read(Func<string, bool> isWanted) => MetricPayload.Decode(
                    payload, (string key, out string series) => isWanted(series = key), (key, step, at, value) => read.Add(new MetricRow(key, step, at, value)));
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
