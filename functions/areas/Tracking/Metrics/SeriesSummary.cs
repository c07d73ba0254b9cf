namespace AiPlatform.Tracking.Metrics;

/// <summary>Latest value, extremes and number of points while they are being summed up. NaN counts only as latest.</summary>
internal sealed class SeriesSummary
{
    private StoredPoint _last;

    public long Points { get; private set; }

    public double? Min { get; private set; }

    public double? Max { get; private set; }

    public long LastStep => _last.Step;

    public DateTime LastAt => MetricRow.Time(_last.At).UtcDateTime;

    public double LastValue => _last.Value;

    /// <summary>Adds a point. The latest is the one with the largest step, of these the youngest, of these the largest.</summary>
    public void Add(long step, long at, double value)
    {
        var point = new StoredPoint(step, at, value, 0);
        if (Points++ == 0 || StoredPoint.Compare(point, _last) >= 0)
        {
            _last = point;
        }

        if (!double.IsNaN(value))
        {
            Min = Min is { } min ? Math.Min(min, value) : value;
            Max = Max is { } max ? Math.Max(max, value) : value;
        }
    }
}
