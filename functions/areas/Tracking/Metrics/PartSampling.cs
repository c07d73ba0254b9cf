using System.Buffers;
using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// Down-samples along the steps a part at a time, on all processors: what <see cref="DownSampling"/> makes of the same points,
/// without having all of them in memory at once.
/// </summary>
internal static class PartSampling
{
    private const int PartsAtOnce = 32;

    /// <summary>Buckets of equal width between the first and the last step of a range.</summary>
    /// <param name="parts">Those of a series that is in order.</param>
    public static IReadOnlyList<MetricBucket> Of(IReadOnlyList<SeriesPart> parts, StepRange range, int buckets)
        => Ends(parts, range) is { } ends ? Of(parts, ends, new EqualGrid(ends.First, ends.Last, buckets)) : [];

    /// <summary>Buckets on a grid whose width is a power of two.</summary>
    /// <param name="parts">Those of a series that is in order.</param>
    public static (IReadOnlyList<MetricBucket> Buckets, int Power) OnGrid(IReadOnlyList<SeriesPart> parts, StepRange range, int buckets)
    {
        if (Ends(parts, range) is not { } ends)
        {
            return ([], 0);
        }

        var power = NestedGrid.Power(ends.First, ends.Last, buckets, 0);
        return (Of(parts, ends, new NestedGrid(power)), power);
    }

    private static List<MetricBucket> Of<TGrid>(IReadOnlyList<SeriesPart> parts, StepRange range, TGrid grid)
        where TGrid : struct, IBucketGrid
    {
        var groups = parts.Where(part => range.Overlaps(part)).Chunk(PartsAtOnce).ToList();
        var curves = Processors.Select(groups, groups.Sum(static group => group.Sum(static part => (long)part.Count)), group => Of(group, range, grid));
        var result = curves[0];
        foreach (var curve in curves.AsSpan(1))
        {
            // The bucket at a seam has points on both sides of it.
            var next = CollectionsMarshal.AsSpan(curve);
            if (next.Length > 0 && result.Count > 0 && grid.IndexOf(result[^1].LastStep) == grid.IndexOf(next[0].FirstStep))
            {
                result[^1] = DownSampling.Merge(result[^1], next[0]);
                next = next[1..];
            }

            result.AddRange(next);
        }

        return result;
    }

    private static List<MetricBucket> Of<TGrid>(SeriesPart[] parts, StepRange range, TGrid grid)
        where TGrid : struct, IBucketGrid
    {
        var builder = new BucketBuilder<TGrid>(CurveAxis.Steps, grid);
        var buffer = ArrayPool<StoredPoint>.Shared.Rent(parts.Max(static part => part.Count));
        try
        {
            foreach (var part in parts)
            {
                builder.Add(part.Read(range, buffer));
            }
        }
        finally
        {
            ArrayPool<StoredPoint>.Shared.Return(buffer);
        }

        return builder.ToBuckets();
    }

    // The steps of the first and the last point of a range; null when no point lies in it.
    private static StepRange? Ends(IReadOnlyList<SeriesPart> parts, StepRange range)
    {
        var ends = parts.Select(part => Ends(part, range)).Where(static part => part is not null);
        return ends.FirstOrDefault() is { } first && parts.Reverse().Select(part => Ends(part, range)).First(static part => part is not null) is { } last
            ? new StepRange(first.First, last.Last)
            : null;
    }

    private static StepRange? Ends(SeriesPart part, StepRange range)
    {
        if (range.Covers(part) || !range.Overlaps(part))
        {
            return range.Overlaps(part) ? new StepRange(part.FirstStep, part.LastStep) : null;
        }

        var buffer = ArrayPool<StoredPoint>.Shared.Rent(part.Count);
        try
        {
            var points = part.Read(range, buffer);
            return points.IsEmpty ? null : new StepRange(points[0].Step, points[^1].Step);
        }
        finally
        {
            ArrayPool<StoredPoint>.Shared.Return(buffer);
        }
    }
}
