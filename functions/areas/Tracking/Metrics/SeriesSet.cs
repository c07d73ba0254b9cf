namespace AiPlatform.Tracking.Metrics;

/// <summary>Sorts rows of chunks and of the log into the series that they belong to.</summary>
/// <param name="keys">The metrics that are wanted.</param>
/// <param name="resumes">What decides about the view; none when superseded points are wanted too.</param>
internal sealed class SeriesSet(string[] keys, IEnumerable<ResumeRow> resumes)
{
    private readonly Dictionary<(string Run, string Key), StoredSeries> _series = [];
    private readonly HashSet<string> _keys = keys.ToHashSet(StringComparer.Ordinal);
    private readonly ILookup<string, ResumeRow> _resumes = resumes.ToLookup(resume => resume.RunId, StringComparer.Ordinal);

    /// <summary>Adds a series, perhaps without points.</summary>
    public void Add(string run, string key) => Series(run, key);

    /// <summary>Adds a chunk of a wanted metric.</summary>
    public void AddChunk(string run, string key, SeriesPart chunk) => Series(run, key).Add(chunk);

    /// <summary>Adds the wanted points of a log row.</summary>
    public void AddLog(string run, int lane, byte[] payload) => MetricPayload.Decode(
        payload,
        (string key, out StoredSeries? series) => (series = _keys.Contains(key) ? Series(run, key) : null) is not null,
        (series, step, at, value) => series!.Add(new StoredPoint(step, at, value, lane)));

    /// <summary>The series, after the last row.</summary>
    public Dictionary<(string Run, string Key), StoredSeries> ToSeries()
    {
        foreach (var series in _series.Values)
        {
            series.Complete();
        }

        return _series;
    }

    private StoredSeries Series(string run, string key)
        => _series.TryGetValue((run, key), out var series) ? series : _series[(run, key)] = new StoredSeries(new AttemptView(MetricRow.IsSystem(key) ? [] : _resumes[run]));
}
