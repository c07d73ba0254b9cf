using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Functions.Features.Experiments;

/// <summary>Points of a group as one array per column, which PostgreSQL unnests into rows.</summary>
internal sealed class MetricColumns(int capacity)
{
    private readonly List<string> _run = new(capacity);
    private readonly List<int> _attempt = new(capacity);
    private readonly List<string> _source = new(capacity);
    private readonly List<long> _sequence = new(capacity);
    private readonly List<string> _key = new(capacity);
    private readonly List<long> _step = new(capacity);
    private readonly List<double> _value = new(capacity);
    private readonly List<DateTime> _at = new(capacity);
    private readonly List<bool> _superseded = new(capacity);

    /// <summary>Points so far.</summary>
    public int Count => _run.Count;

    /// <summary>Adds a batch; points after the step from which a later attempt went on are superseded from the start.</summary>
    public void Add(MetricBatch batch, IEnumerable<ResumeRow> laterResumes)
    {
        var limit = laterResumes.Select(resume => resume.Step).DefaultIfEmpty(long.MaxValue).Min();
        for (var i = 0; i < batch.Points.Count; i++)
        {
            var point = batch.Points[i];
            _run.Add(batch.RunId);
            _attempt.Add(batch.Attempt);
            _source.Add(batch.Source.Source);
            _sequence.Add(batch.FirstSequence + i);
            _key.Add(point.Key);
            _step.Add(point.Step);
            _value.Add(point.Value);
            _at.Add(point.At);
            _superseded.Add(point.Step > limit);
        }
    }

    /// <summary>Adds the columns as parameters $1 to $9.</summary>
    public void AddTo(NpgsqlCommand command)
    {
        Add(command, _run, NpgsqlDbType.Text);
        Add(command, _attempt, NpgsqlDbType.Integer);
        Add(command, _source, NpgsqlDbType.Text);
        Add(command, _sequence, NpgsqlDbType.Bigint);
        Add(command, _key, NpgsqlDbType.Text);
        Add(command, _step, NpgsqlDbType.Bigint);
        Add(command, _value, NpgsqlDbType.Double);
        Add(command, _at, NpgsqlDbType.TimestampTz);
        Add(command, _superseded, NpgsqlDbType.Boolean);
    }

    private static void Add<T>(NpgsqlCommand command, List<T> column, NpgsqlDbType type)
        => command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type });
}
