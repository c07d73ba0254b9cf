namespace AiPlatform.Tracking.Metrics;

/// <summary>The newest value of a series.</summary>
/// <param name="At">Microseconds since 1970.</param>
internal readonly record struct LatestMetric(string Key, double Value, long At, long Step)
{
    /// <summary>Whether this value replaces another one: the largest step wins, of these the youngest, of these the largest value, with NaN above all numbers (as in the summaries).</summary>
    public bool Replaces(LatestMetric other)
        => Step != other.Step ? Step > other.Step
            : At != other.At ? At > other.At
            : double.IsNaN(Value) || (!double.IsNaN(other.Value) && Value >= other.Value);

    /// <summary>The newest values of two lists that are ordered by key.</summary>
    public static List<LatestMetric> Merge(IReadOnlyList<LatestMetric> left, IReadOnlyList<LatestMetric> right)
    {
        var merged = new List<LatestMetric>(left.Count + right.Count);
        for (int i = 0, j = 0; i < left.Count || j < right.Count;)
        {
            var order = i == left.Count ? 1 : j == right.Count ? -1 : string.CompareOrdinal(left[i].Key, right[j].Key);
            merged.Add(order < 0 ? left[i] : order > 0 || right[j].Replaces(left[i]) ? right[j] : left[i]);
            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }

        return merged;
    }
}

/// <summary>
/// Log rows that no summary contains yet, as readers see them who merge them instead of folding: a reader must not wait for
/// the writes of others. Merging a row that has been folded meanwhile changes nothing. Runs that went on from an earlier step
/// are left to folding, which knows what is superseded.
/// </summary>
internal static class FreshMetrics
{
    /// <summary>Whether a row of <c>metric_fresh f</c> has to be folded.</summary>
    public const string MustFold = "EXISTS (SELECT 1 FROM run_resumes s WHERE s.run_id = f.run_id)";

    /// <summary>The points of a row of <c>metric_fresh f</c>.</summary>
    public const string Payload = "(SELECT l.payload FROM metric_log l WHERE l.run_id = f.run_id AND l.id = f.log_id)";

    /// <summary>The newest values of a log row, ordered by key.</summary>
    public static List<LatestMetric> Latest(byte[] payload)
    {
        var latest = new List<LatestMetric>();
        MetricPayload.Decode(
            payload,
            (string key, out int index) =>
            {
                index = latest.Count;
                latest.Add(new LatestMetric(key, double.NegativeInfinity, long.MinValue, long.MinValue));
                return true;
            },
            (index, step, at, value) =>
            {
                var metric = new LatestMetric(latest[index].Key, value, at, step);
                latest[index] = metric.Replaces(latest[index]) ? metric : latest[index];
            });
        latest.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        return latest;
    }
}
