using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tracking.Exports;

/// <summary>The columns of exported points.</summary>
internal sealed class PointTable
{
    private readonly ExportColumn<string?> _run = new("run_id");
    private readonly ExportColumn<string?> _key = new("key");
    private readonly ExportColumn<long> _step = new("step");
    private readonly ExportColumn<DateTime> _time = new("timestamp");
    private readonly ExportColumn<double> _value = new("value");
    private readonly ExportColumn<long> _attempt = new("attempt");

    /// <summary>All columns in their order.</summary>
    public IReadOnlyList<ExportColumn> Columns => [_run, _key, _step, _time, _value, _attempt];

    /// <summary>Rows that wait to be written.</summary>
    public int Rows => _step.Values.Count;

    /// <summary>Adds a row.</summary>
    public void Add(RunRow run, string key, StoredPoint point)
    {
        _run.Values.Add(run.Id);
        _key.Values.Add(key);
        _step.Values.Add(point.Step);
        _time.Values.Add(MetricRow.Time(point.At).UtcDateTime);
        _value.Values.Add(point.Value);
        _attempt.Values.Add(MetricLane.Attempt(point.Lane));
    }
}
