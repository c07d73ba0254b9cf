using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Exports;

/// <summary>The columns of exported runs.</summary>
internal sealed class RunTable
{
    private readonly ExportColumn<string?> _id = new("run_id");
    private readonly ExportColumn<string?> _experiment = new("experiment_id");
    private readonly ExportColumn<string?> _name = new("name");
    private readonly ExportColumn<string?> _status = new("status");
    private readonly ExportColumn<string?> _job = new("job_id");
    private readonly ExportColumn<DateTime> _created = new("created_at");
    private readonly ExportColumn<DateTime?> _started = new("started_at");
    private readonly ExportColumn<DateTime?> _ended = new("ended_at");
    private readonly List<(string Key, ExportColumn<string?> Column)> _params = [];
    private readonly List<(string Key, ExportColumn<string?> Column)> _tags = [];
    private readonly List<(string Key, ExportColumn<double?> Column)> _metrics = [];

    /// <summary>All columns in their order.</summary>
    public IReadOnlyList<ExportColumn> Columns =>
    [
        _id, _experiment, _name, _status, _job, _created, _started, _ended, .. _params.Select(pair => pair.Column), .. _tags.Select(pair => pair.Column), .. _metrics.Select(pair => pair.Column),
    ];

    /// <summary>Adds columns: <c>params.</c>, <c>tags.</c> or <c>metrics.</c> and the key.</summary>
    public void Add(string prefix, IEnumerable<string> keys)
    {
        switch (prefix)
        {
            case "params.":
                _params.AddRange(keys.Select(key => (key, new ExportColumn<string?>(prefix + key))));
                break;
            case "tags.":
                _tags.AddRange(keys.Select(key => (key, new ExportColumn<string?>(prefix + key))));
                break;
            default:
                _metrics.AddRange(keys.Select(key => (key, new ExportColumn<double?>(prefix + key))));
                break;
        }
    }

    /// <summary>Adds a row. What the run got after the columns were counted is left out.</summary>
    public void Add(Run run)
    {
        _id.Values.Add(run.Id);
        _experiment.Values.Add(run.ExperimentId);
        _name.Values.Add(run.Name);
        _status.Values.Add(run.Status.ToText());
        _job.Values.Add(run.JobId);
        _created.Values.Add(run.CreatedAt.UtcDateTime);
        _started.Values.Add(run.StartedAt?.UtcDateTime);
        _ended.Values.Add(run.EndedAt?.UtcDateTime);
        foreach (var (key, column) in _params)
        {
            column.Values.Add(run.Params.GetValueOrDefault(key));
        }

        foreach (var (key, column) in _tags)
        {
            column.Values.Add(run.Tags.GetValueOrDefault(key));
        }

        var last = run.Metrics.ToDictionary(metric => metric.Key, metric => metric.Last, StringComparer.Ordinal);
        foreach (var (key, column) in _metrics)
        {
            column.Values.Add(last.TryGetValue(key, out var value) ? value : null);
        }
    }
}
