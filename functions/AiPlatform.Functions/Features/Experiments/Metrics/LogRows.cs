using AiPlatform.Functions.Infrastructure;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

/// <summary>Rows for <c>metric_log</c>, one array per column.</summary>
internal sealed class LogRows(int capacity)
{
    private const string Insert = "INSERT INTO metric_log (run_id, lane, points, payload) SELECT * FROM unnest($1, $2, $3, $4)";
    private const string InsertFresh = $"WITH added AS ({Insert} RETURNING run_id, id) INSERT INTO metric_fresh (run_id, log_id) SELECT run_id, id FROM added";

    private readonly List<string> _runs = new(capacity);
    private readonly List<int> _lanes = new(capacity);
    private readonly List<int> _points = new(capacity);
    private readonly List<byte[]> _payloads = new(capacity);

    public void Add(string runId, int lane, int points, byte[] payload)
    {
        _runs.Add(runId);
        _lanes.Add(lane);
        _points.Add(points);
        _payloads.Add(payload);
    }

    /// <param name="fresh">Whether the summaries do not contain the points yet.</param>
    public async Task InsertAsync(UnitOfWork work, bool fresh)
    {
        if (_runs.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand(fresh ? InsertFresh : Insert, work.Connection, work.Transaction);
        Add(command, _runs, NpgsqlDbType.Text);
        Add(command, _lanes, NpgsqlDbType.Integer);
        Add(command, _points, NpgsqlDbType.Integer);
        Add(command, _payloads, NpgsqlDbType.Bytea);
        await command.ExecuteNonQueryAsync(work.Token);
    }

    private static void Add<T>(NpgsqlCommand command, List<T> column, NpgsqlDbType type)
        => command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type });
}
