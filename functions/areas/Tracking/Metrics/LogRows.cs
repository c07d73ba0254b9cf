using AiPlatform.Kernel.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Rows for <c>metric_log</c>, one array per column.</summary>
internal sealed class LogRows(int capacity)
{
    private const string Columns = "run_id, lane, points, payload";
    private const string Sent = $"unnest($1, $2, $3, $4) AS sent ({Columns})";
    private const string Insert = $"INSERT INTO metric_log ({Columns}) SELECT sent.* FROM {Sent}";
    private const string Mark = "INSERT INTO metric_fresh (run_id, log_id) SELECT run_id, id FROM added";
    private const string InsertFresh = $"WITH added AS ({Insert} RETURNING run_id, id) {Mark}";
    private const string InsertFreshOfLiveRuns = $"WITH added AS ({Insert} JOIN runs r ON r.id = sent.run_id AND r.deleted_at IS NULL RETURNING run_id, id) {Mark} RETURNING run_id";

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

    /// <summary>Inserts points that the summaries contain already.</summary>
    public Task InsertAsync(UnitOfWork work) => InsertAsync(Insert, work);

    /// <summary>Inserts points that the summaries do not contain yet.</summary>
    public Task InsertFreshAsync(UnitOfWork work) => InsertAsync(InsertFresh, work);

    /// <summary>As <see cref="InsertFreshAsync"/>, without rows of runs that were deleted: alone it is one transaction and one round trip.</summary>
    /// <returns>The runs that there are.</returns>
    public async Task<HashSet<string>> InsertFreshOfLiveRunsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var runs = new HashSet<string>(StringComparer.Ordinal);
        await using var command = Command(InsertFreshOfLiveRuns, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            runs.Add(reader.GetString(0));
        }

        return runs;
    }

    private async Task InsertAsync(string sql, UnitOfWork work)
    {
        if (_runs.Count > 0)
        {
            await using var command = Command(sql, work.Connection);
            await command.ExecuteNonQueryAsync(work.Token);
        }
    }

    private NpgsqlCommand Command(string sql, NpgsqlConnection connection) => new(sql, connection)
    {
        Parameters = { Array(_runs, NpgsqlDbType.Text), Array(_lanes, NpgsqlDbType.Integer), Array(_points, NpgsqlDbType.Integer), Array(_payloads, NpgsqlDbType.Bytea) },
    };

    private static NpgsqlParameter<List<T>> Array<T>(List<T> column, NpgsqlDbType type) => new() { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type };
}
