namespace AiPlatform.Tracking.Metrics;

/// <summary>Summaries of the series of several runs while they are being summed up.</summary>
internal sealed class SummarySet
{
    private readonly Dictionary<string, Dictionary<string, SeriesSummary>> _runs = new(StringComparer.Ordinal);

    /// <summary>The summary of a series.</summary>
    public SeriesSummary Of(string run, string key)
    {
        if (!_runs.TryGetValue(run, out var series))
        {
            _runs.Add(run, series = new Dictionary<string, SeriesSummary>(StringComparer.Ordinal));
        }

        if (!series.TryGetValue(key, out var summary))
        {
            series.Add(key, summary = new SeriesSummary());
        }

        return summary;
    }

    /// <summary>All that have points, in the order in which everybody locks them.</summary>
    public (string Run, string Key, SeriesSummary Summary)[] ToRows() =>
    [
        .. _runs.OrderBy(run => run.Key, StringComparer.Ordinal).SelectMany(run => run.Value
            .Where(series => series.Value.Points > 0).OrderBy(series => series.Key, StringComparer.Ordinal).Select(series => (run.Key, series.Key, series.Value))),
    ];
}
