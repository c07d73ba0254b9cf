using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Tracking.Metrics;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class StoredSeriesTests
{
    private static readonly Gen<double> Value = Gen.OneOf(Gen.Double[-1e3, 1e3], Gen.Const(double.NaN), Gen.Const(double.PositiveInfinity), Gen.Const(-0.0), Gen.Const(0.0));

    private static readonly Gen<StoredPoint[]> Points = Gen.Select(
        Gen.OneOf(Gen.Long[-300, 300], Gen.Long, Gen.Const(long.MinValue), Gen.Const(long.MaxValue)), Gen.Long[0, 50], Value, Gen.Int[2, 5],
        static (step, at, value, lane) => new StoredPoint(step, at, value, lane)).Array[0, 300].Select(points => points[..StoredPoint.Normalize(points)]);

    private static readonly Gen<double?> Place = Gen.OneOf(Gen.Double[-400, 400], Gen.Double[-1e19, 1e19], Gen.Const(double.NaN), Gen.Const(0.0)).Nullable();

    private static readonly Gen<StepRange> Steps = Gen.OneOf(
        Gen.Const(StepRange.All), Gen.Select(Gen.Long[-350, 350], Gen.Long[-350, 350], static (first, last) => new StepRange(first, last)), Gen.Select(Gen.Long, Gen.Long, static (first, last) => new StepRange(first, last)));

    [Fact]
    public void A_curve_made_by_part_is_the_curve_of_all_points()
        => Gen.Select(Points, Gen.Int[1, 40], Gen.Bool, Gen.Int[1, 60], Steps, Place, Place).Sample((points, size, ends, buckets, steps, from, to) =>
        {
            var series = Series(points, size, ends);
            var expected = points.Where(point => steps.Contains(point.Step)).ToList();
            CurveAxis.Steps.Prepare(expected, from, to);
            var query = new CurveQuery(buckets, null, steps, from, to);
            Assert.Equal(DownSampling.Of(CollectionsMarshal.AsSpan(expected), buckets, null), query.Sample(series, CurveAxis.Steps));
            var (curve, power) = DownSampling.OnGrid(CollectionsMarshal.AsSpan(expected), CurveAxis.Steps, buckets, null);
            var (sampled, sampledPower) = query.SampleOnGrid(series, CurveAxis.Steps);
            Assert.Equal(power, sampledPower);
            Assert.Equal(curve, sampled);
        });

    [Fact]
    public void Smoothed_curves_and_those_along_the_time_are_made_of_all_points()
        => Gen.Select(Points, Gen.Int[1, 40], Gen.Int[1, 60], Gen.OneOf(Gen.Const(MetricAxis.Step), Gen.Const(MetricAxis.Time)), Place).Sample((points, size, buckets, kind, from) =>
        {
            var axis = new CurveAxis(kind, 0);
            var smoothing = new Smoothing(SmoothingKind.Exponential, 0.6);
            var expected = points.ToList();
            axis.Prepare(expected, from, null);
            Assert.Equal(
                DownSampling.Of(CollectionsMarshal.AsSpan(expected), axis, buckets, smoothing),
                new CurveQuery(buckets, smoothing, StepRange.All, from, null).Sample(Series(points, size, logged: true), axis));
        });

    [Fact]
    public void A_long_series_is_shared_out_and_has_whole_buckets_at_the_seams()
    {
        var random = new Random(3);
        var points = Enumerable.Range(0, 200_000).Select(i => new StoredPoint(i * 3L, i, random.NextDouble(), 3)).ToArray();
        var series = Series(points, MetricCompaction.ChunkPoints, logged: false);
        Assert.True(series.IsInOrder);
        Assert.Equal(points, series.ToPoints(StepRange.All));
        Assert.Equal(DownSampling.Of(points, 777, null), new CurveQuery(777, null, StepRange.All, null, null).Sample(series, CurveAxis.Steps));
        var range = new StepRange(100_001, 399_999);
        Assert.Equal(points.Where(point => range.Contains(point.Step)), series.ToPoints(range));
    }

    [Fact]
    public void Parts_that_overlap_become_one_series_without_equal_points()
        => Gen.Select(Points, Points, Steps).Sample((left, right, steps) =>
        {
            var series = new StoredSeries(new AttemptView([]));
            foreach (var chunk in new[] { left, right }.Where(static points => points.Length > 0))
            {
                series.Add(new SeriesPart(chunk[0].Step, chunk[^1].Step, ChunkCodec.Encode(chunk)));
            }

            foreach (var point in left)
            {
                series.Add(point);
            }

            series.Complete();
            StoredPoint[] all = [.. left, .. right, .. left];
            Assert.Equal(all[..StoredPoint.Normalize(all)].Where(point => steps.Contains(point.Step)), series.ToPoints(steps));
        });

    [Fact]
    public void Superseded_points_are_left_out()
    {
        var series = new StoredSeries(new AttemptView([new ResumeRow("run", 2, 4)]));
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var chunk = Enumerable.Range((attempt - 1) * 5, 10).Select(step => new StoredPoint(step, 0, step, MetricLane.Of(attempt, numbered: true))).ToArray();
            series.Add(new SeriesPart(chunk[0].Step, chunk[^1].Step, ChunkCodec.Encode(chunk)));
        }

        series.Complete();
        Assert.False(series.IsInOrder);
        Assert.Equal(Enumerable.Range(0, 15).Select(step => (long)step), series.ToPoints(StepRange.All).Select(point => point.Step));
        Assert.Equal(12, new CurveQuery(100, null, StepRange.All, 3, null).Sample(series, CurveAxis.Steps).Sum(bucket => bucket.Count));
    }

    [Fact]
    public void The_last_place_of_a_bucket_is_the_last_one_with_its_number()
        => Gen.Select(Gen.OneOf(Gen.Long, Gen.Long[-100, 100]), Gen.OneOf(Gen.Long, Gen.Long[-100, 100]), Gen.Int[1, 10_000], Gen.Int[0, 63], Gen.Double[0, 1]).Sample((a, b, buckets, power, share) =>
        {
            var (first, last) = (Math.Min(a, b), Math.Max(a, b));
            var x = (long)Int128.Clamp(first + (Int128)(((double)last - first) * share), first, last);
            Check(new EqualGrid(first, last, buckets), x, last);
            Check(new NestedGrid(power), x, long.MaxValue);
        });

    private static void Check<TGrid>(TGrid grid, long x, long last)
        where TGrid : struct, IBucketGrid
    {
        var end = grid.LastOf(grid.IndexOf(x));
        Assert.InRange(end, x, last);
        Assert.Equal(grid.IndexOf(x), grid.IndexOf(end));
        Assert.True(end == last || grid.IndexOf(end + 1) > grid.IndexOf(x), $"{end} is not the end");
    }

    // Chunks of so many points, the last of them perhaps still in the log.
    private static StoredSeries Series(StoredPoint[] points, int size, bool logged)
    {
        var series = new StoredSeries(new AttemptView([]));
        var chunks = points.Chunk(size).ToList();
        foreach (var (index, chunk) in chunks.Index())
        {
            if (logged && index == chunks.Count - 1)
            {
                foreach (var point in chunk.Reverse())
                {
                    series.Add(point);
                }
            }
            else
            {
                series.Add(new SeriesPart(chunk[0].Step, chunk[^1].Step, ChunkCodec.Encode(chunk)));
            }
        }

        series.Complete();
        return series;
    }
}
