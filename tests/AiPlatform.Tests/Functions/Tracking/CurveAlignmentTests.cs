using AiPlatform.Contracts.Experiments;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class CurveAlignmentTests
{
    private static readonly Gen<StoredPoint> Point = Gen.Select(
        Gen.OneOf(Gen.Long[-20, 400], Gen.Long[-1_000_000, 1_000_000]), Gen.Long[0, 10_000_000], Gen.OneOf(Gen.Double[-1e3, 1e3], Gen.Const(double.NaN)),
        (step, at, value) => new StoredPoint(step, at, value, 3));

    private static readonly Gen<StoredPoint[]> Series = Point.Array[0, 200].Select(points => points[..StoredPoint.Normalize(points)]);

    [Fact]
    public void Aligned_buckets_hold_exactly_the_points_of_their_place_and_their_extremes()
        => Gen.Select(Series.Array[1, 6], Gen.Int[2, 60]).Sample((series, buckets) =>
        {
            var alignment = new CurveAlignment(CurveAxis.Steps, buckets);
            foreach (var (index, points) in series.Index())
            {
                alignment.Add($"{index}", "loss", DownSampling.OnGrid(points, CurveAxis.Steps, buckets, null));
            }

            var comparison = alignment.ToComparison();
            var width = (long)comparison.BucketWidth!.Value;
            var places = new HashSet<long>();
            foreach (var (points, curve) in series.Zip(comparison.Series))
            {
                Assert.Equal(points.Length, curve.Buckets.Sum(bucket => bucket.Count));
                var groups = points.GroupBy(point => (long)Math.Floor(point.Step / (double)width)).ToList();
                Assert.Equal(groups.Select(group => group.Key), curve.Buckets.Select(bucket => bucket.Index!.Value));
                foreach (var (group, bucket) in groups.Zip(curve.Buckets))
                {
                    var values = group.Select(point => point.Value).Where(value => !double.IsNaN(value)).ToList();
                    Assert.Equal(
                        (group.Count(), group.First().Step, group.Last().Step, group.Last().Value, values.Count == 0 ? (double?)null : values.Min(), values.Count == 0 ? (double?)null : values.Max()),
                        (bucket.Count, bucket.FirstStep, bucket.LastStep, bucket.Last, bucket.Min, bucket.Max));
                }

                places.UnionWith(groups.Select(group => group.Key));
            }

            // One grid for all of them, with no more buckets than were asked for, and not much coarser than needed.
            Assert.True(places.Count == 0 || places.Max() - places.Min() + 1 <= buckets, $"{places.Count} places of {width}");
            var steps = series.SelectMany(points => points).Select(point => point.Step).ToList();
            Assert.True(width == 1 || ((steps.Max() - steps.Min()) / (width / 2)) + 2 > buckets, $"{width} is too wide for {buckets} buckets");
        });

    [Fact]
    public void Relative_time_counts_from_the_begin_of_each_run()
    {
        var began = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
        var alignment = new CurveAlignment(new CurveAxis(MetricAxis.RelativeTime, 0), 100);
        foreach (var hours in new[] { 0, 5 })
        {
            var axis = CurveAxis.Of(MetricAxis.RelativeTime, Run(began.AddHours(hours)));
            var points = Enumerable.Range(0, 50).Select(i => new StoredPoint(i, MetricRow.Microseconds(began.AddHours(hours).AddSeconds(i * 2)), i, 3)).ToList();
            axis.Prepare(points, from: 10, to: 60);
            alignment.Add($"{hours}", "loss", DownSampling.OnGrid(points.ToArray(), axis, 100, new Smoothing(SmoothingKind.MovingAverage, 1)));
        }

        var series = alignment.ToComparison().Series;
        Assert.Equal(series[0].Buckets, series[1].Buckets);
        Assert.Equal((10d, 60d), (series[0].Buckets[0].FirstX, series[0].Buckets[^1].LastX));
        Assert.Equal(26, series[0].Buckets.Sum(bucket => bucket.Count));
        Assert.All(series[0].Buckets, bucket => Assert.Equal(bucket.Last, bucket.Smoothed));
    }

    [Fact]
    public void Along_the_time_points_are_in_the_order_in_which_they_were_measured()
        => Gen.Select(Series, Gen.Int[1, 40]).Sample((points, buckets) =>
        {
            var axis = new CurveAxis(MetricAxis.Time, 0);
            var list = points.ToList();
            axis.Prepare(list, null, null);
            var curve = DownSampling.Of(list.ToArray(), axis, buckets, null);
            Assert.Equal(points.Length, curve.Sum(bucket => bucket.Count));
            Assert.True(curve.Count <= buckets);
            Assert.Equal(curve.Select(bucket => bucket.FirstX).Order(), curve.Select(bucket => bucket.FirstX));
            if (points.Length > 0)
            {
                Assert.Equal(points.Min(point => point.At) / 1e6, curve[0].FirstX);
                Assert.Equal(points.Max(point => point.At) / 1e6, curve[^1].LastX);
            }
        });

    private static RunRow Run(DateTimeOffset startedAt)
        => new() { Id = "run", ProjectId = "project", ExperimentId = "experiment", Name = "run", CreatedAt = startedAt.AddMinutes(-1), StartedAt = startedAt };
}
