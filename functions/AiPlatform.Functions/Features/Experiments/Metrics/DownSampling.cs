using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

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
        => points.IsEmpty ? [] : Of(points, axis, new EqualGrid(axis.X(points[0]), axis.X(points[^1]), buckets), buckets, smoothing);

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
        return (Of(points, axis, new NestedGrid(power), buckets, smoothing), power);
    }

    private static List<MetricBucket> Of<TGrid>(ReadOnlySpan<StoredPoint> points, CurveAxis axis, TGrid grid, int buckets, Smoothing? smoothing)
        where TGrid : struct, IBucketGrid
    {
        var result = new List<MetricBucket>(Math.Min(buckets, points.Length));
        var ends = new List<int>(result.Capacity);
        for (var i = 0; i < points.Length;)
        {
            var begin = i;
            var index = grid.IndexOf(axis.X(points[i]));
            double? min = null, max = null;
            for (; i < points.Length && grid.IndexOf(axis.X(points[i])) == index; i++)
            {
                if (points[i].Value is var value && !double.IsNaN(value))
                {
                    min = min is { } low ? Math.Min(low, value) : value;
                    max = max is { } high ? Math.Max(high, value) : value;
                }
            }

            ends.Add(i - 1);
            result.Add(new MetricBucket(points[begin].Step, points[i - 1].Step, min, max, points[i - 1].Value, i - begin, null)
            {
                FirstX = axis.ToSeconds(axis.X(points[begin])),
                LastX = axis.ToSeconds(axis.X(points[i - 1])),
                Index = TGrid.IsCommon ? index : null,
            });
        }

        if (smoothing is not null)
        {
            var smoothed = smoothing.At(points, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ends));
            for (var i = 0; i < result.Count; i++)
            {
                result[i] = result[i] with { Smoothed = smoothed[i] };
            }
        }

        return result;
    }
}
