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
    /// <param name="smoothing">Weight of the past from 0 to below 1, as in exponential moving averages that are corrected at their begin; null for none.</param>
    public static IReadOnlyList<MetricBucket> Of(ReadOnlySpan<StoredPoint> points, int buckets, double? smoothing)
    {
        var result = new List<MetricBucket>(Math.Min(buckets, points.Length));
        if (points.IsEmpty)
        {
            return result;
        }

        var first = points[0].Step;
        var width = (Int128)points[^1].Step - first + 1;
        var (average, weight) = (0.0, 0.0);
        for (var i = 0; i < points.Length;)
        {
            var begin = i;
            var index = ((Int128)points[i].Step - first) * buckets / width;
            var summary = new SeriesSummary();
            for (; i < points.Length && ((Int128)points[i].Step - first) * buckets / width == index; i++)
            {
                summary.Add(points[i].Step, points[i].At, points[i].Value);
                if (smoothing is { } past && double.IsFinite(points[i].Value))
                {
                    average = (average * past) + ((1 - past) * points[i].Value);
                    weight = (weight * past) + (1 - past);
                }
            }

            result.Add(new MetricBucket(
                points[begin].Step, points[i - 1].Step, summary.Min, summary.Max, points[i - 1].Value, i - begin, smoothing is not null && weight > 0 ? average / weight : null));
        }

        return result;
    }
}
