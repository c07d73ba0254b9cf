using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// Brings series onto one grid. Each is down-sampled by itself on a grid that fits it, so that only buckets of all series are
/// in memory at once, never their points; the buckets then become those of the finest grid that fits them all.
/// </summary>
internal sealed class CurveAlignment(CurveAxis unit, int buckets)
{
    private readonly List<(string Run, string Key, IReadOnlyList<MetricBucket> Buckets, int Power)> _series = [];

    /// <summary>Adds a series.</summary>
    /// <param name="curve">Its buckets on a grid whose width is a power of two.</param>
    public void Add(string run, string key, (IReadOnlyList<MetricBucket> Buckets, int Power) curve) => _series.Add((run, key, curve.Buckets, curve.Power));

    /// <summary>All series on the common grid.</summary>
    public MetricComparison ToComparison()
    {
        var power = Power();
        return new MetricComparison([.. _series.Select(series => new MetricSeries(series.Run, series.Key, Coarsen(series.Buckets, power - series.Power)))])
        {
            BucketWidth = unit.ToUnit(Math.Pow(2, power)),
        };
    }

    private int Power()
    {
        var filled = _series.Where(series => series.Buckets.Count > 0).ToList();
        if (filled.Count == 0)
        {
            return 0;
        }

        // The borders of the whole, from the finest numbers that there are: coarser numbers follow from them exactly.
        var power = filled.Max(series => series.Power);
        var first = filled.Min(series => series.Buckets[0].Index!.Value >> (power - series.Power));
        var last = filled.Max(series => series.Buckets[^1].Index!.Value >> (power - series.Power));
        return power + NestedGrid.Power(first, last, buckets, 0);
    }

    private static List<MetricBucket> Coarsen(IReadOnlyList<MetricBucket> series, int shift)
    {
        var result = new List<MetricBucket>(series.Count);
        foreach (var bucket in series)
        {
            var next = bucket with { Index = bucket.Index >> shift };
            if (result.Count > 0 && result[^1].Index == next.Index)
            {
                result[^1] = DownSampling.Merge(result[^1], next);
            }
            else
            {
                result.Add(next);
            }
        }

        return result;
    }
}
