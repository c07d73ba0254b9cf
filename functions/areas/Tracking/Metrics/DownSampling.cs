using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Makes few buckets of many points without losing an extreme: smallest, largest and last value of each bucket.</summary>
internal static class DownSampling
{
    /// <summary>
    /// Buckets of equal width in steps, empty ones left out. The last value of a bucket is that of its last point in series
    /// order; NaN is no extreme.
    /// </summary>
    /// <param name="points">In series order.</param>
    /// <param name="buckets">At most so many.</param>
    /// <param name="smoothing">Null for none.</param>
    public static IReadOnlyList<MetricBucket> Of(ReadOnlySpan<StoredPoint> points, int buckets, Smoothing? smoothing) => Of(points, CurveAxis.Steps, buckets, smoothing);

    /// <summary>As the other overload, along any axis.</summary>
    /// <param name="points">In the order of the axis.</param>
    public static IReadOnlyList<MetricBucket> Of(ReadOnlySpan<StoredPoint> points, CurveAxis axis, int buckets, Smoothing? smoothing)
        => points.IsEmpty ? [] : Of(points, axis, new EqualGrid(axis.X(points[0]), axis.X(points[^1]), buckets), smoothing);

    /// <summary>
    /// Buckets on a grid whose width is a power of two: the finest that makes at most <paramref name="buckets"/> of them. Grids
    /// of different widths have common borders, so that buckets of one become buckets of a coarser one exactly.
    /// </summary>
    /// <returns>The buckets with their numbers, and the width as a power of two.</returns>
    public static (IReadOnlyList<MetricBucket> Buckets, int Power) OnGrid(ReadOnlySpan<StoredPoint> points, CurveAxis axis, int buckets, Smoothing? smoothing)
    {
        if (points.IsEmpty)
        {
            return ([], 0);
        }

        var power = NestedGrid.Power(axis.X(points[0]), axis.X(points[^1]), buckets, 0);
        return (Of(points, axis, new NestedGrid(power), smoothing), power);
    }

    /// <summary>One bucket of two, the second with later points than the first.</summary>
    public static MetricBucket Merge(MetricBucket left, MetricBucket right) => right with
    {
        FirstStep = left.FirstStep,
        FirstX = left.FirstX,
        Min = left.Min is { } a && right.Min is { } b ? Math.Min(a, b) : left.Min ?? right.Min,
        Max = left.Max is { } c && right.Max is { } d ? Math.Max(c, d) : left.Max ?? right.Max,
        Count = left.Count + right.Count,
    };

    private static List<MetricBucket> Of<TGrid>(ReadOnlySpan<StoredPoint> points, CurveAxis axis, TGrid grid, Smoothing? smoothing)
        where TGrid : struct, IBucketGrid
    {
        var builder = new BucketBuilder<TGrid>(axis, grid);
        builder.Add(points);
        var result = builder.ToBuckets();
        if (smoothing is not null)
        {
            var ends = new int[result.Count];
            for (var (i, end) = (0, -1); i < ends.Length; i++)
            {
                ends[i] = end += result[i].Count;
            }

            var smoothed = smoothing.At(points, ends);
            for (var i = 0; i < result.Count; i++)
            {
                result[i] = result[i] with { Smoothed = smoothed[i] };
            }
        }

        return result;
    }
}
