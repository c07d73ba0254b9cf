using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// Moves folded log rows of a run into chunks of its series. What is too little for a chunk stays in the log as one
/// compressed row. Read, write and deletion are one transaction under the run's lock: a reader's statement sees a point
/// in the log or in a chunk, never in both and never in none, and a compaction that loses its connection has done nothing.
/// </summary>
internal sealed class MetricCompaction(Database database, StartupState state, TimeProvider time, ILogger<MetricCompaction> logger)
    : BackgroundLoop(time, logger), IDueWork
{
    /// <summary>Points of a full chunk.</summary>
    public const int ChunkPoints = 1_000;

    private const int MinChunkPoints = 64;
    private const int MaxRows = 2_000;
    private const long MaxPoints = 200_000;
    private const int MaxRuns = 32;
    private const long HotPoints = 50_000;
    private const int HotRows = 500;
    private const long WarmPoints = 2_000;
    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Cold = TimeSpan.FromMinutes(2);

    // Runs whose log is worth compacting at @now, or has nothing left in it; what is selected is what it is woken by.
    private static readonly string Ripe =
        $"""
        log_points >= {HotPoints} OR log_rows >= {HotRows} OR (log_points >= {WarmPoints} AND touched_at < @now - interval '{Warm.TotalSeconds} seconds')
            OR touched_at < @now - interval '{Cold.TotalSeconds} seconds'
        """;

    private readonly TimeProvider _time = time;

    /// <inheritdoc />
    public string DueCondition => $"EXISTS (SELECT 1 FROM metric_pending WHERE {Ripe})";

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    /// <summary>Adds to what waits in the log of each run.</summary>
    public static Task CountAsync(UnitOfWork work, Dictionary<string, (int Rows, long Points)> log, DateTimeOffset now)
        => work.ExecuteAsync(
            """
            INSERT INTO metric_pending AS p (run_id, log_rows, log_points, touched_at)
            SELECT run, rows, points, @now FROM unnest(@runs, @rows, @points) AS sent (run, rows, points) ORDER BY run
            ON CONFLICT (run_id) DO UPDATE SET log_rows = p.log_rows + excluded.log_rows, log_points = p.log_points + excluded.log_points, touched_at = excluded.touched_at
            """,
            new { runs = log.Keys.ToArray(), rows = log.Values.Select(value => value.Rows).ToArray(), points = log.Values.Select(value => value.Points).ToArray(), now });

    /// <summary>Compacts what waits in the log of a run, at most a bounded number of points; true when more waits.</summary>
    public Task<bool> CompactAsync(string run, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                if (!await MetricSummaries.TryLockAsync(work, run))
                {
                    return false;
                }

                await MetricSummaries.LockAsync(work, [run]);
                var log = await ReadLogAsync(work, run);
                await WriteAsync(work, run, log);
                await work.ExecuteAsync("DELETE FROM metric_log WHERE run_id = @run AND id = ANY(@ids)", new { run, ids = log.Ids.ToArray() });
                return await work.SingleAsync<long>(
                    """
                    WITH counted AS (
                        UPDATE metric_pending SET log_rows = greatest(0, log_rows - @rows), log_points = CASE WHEN @all THEN 0 ELSE greatest(0, log_points - @points) END
                        WHERE run_id = @run RETURNING log_points)
                    SELECT coalesce(sum(log_points), 0) FROM counted
                    """,
                    new { run, rows = log.Ids.Count, points = log.Points, all = !log.More }) > 0;
            },
            cancellationToken);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        string[] runs;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            runs = [.. await connection.QueryAsync<string>(new CommandDefinition(
                $"SELECT run_id FROM metric_pending WHERE ({Ripe}) AND (log_points > 0 OR log_rows >= {HotRows}) ORDER BY log_points DESC LIMIT @MaxRuns",
                new { now = _time.GetUtcNow(), MaxRuns },
                cancellationToken: cancellationToken))];
            await connection.ExecuteAsync(new CommandDefinition(
                "DELETE FROM metric_pending WHERE log_points = 0 AND touched_at < @cold", new { cold = _time.GetUtcNow() - Cold }, cancellationToken: cancellationToken));
        }

        foreach (var run in runs)
        {
            await CompactAsync(run, cancellationToken);
        }

        return runs.Length == MaxRuns;
    }

    private static async Task<Log> ReadLogAsync(UnitOfWork work, string run)
    {
        var log = new Log();
        await using var command = new NpgsqlCommand(
            $"""
            SELECT id, lane, payload FROM (
                SELECT id, lane, payload, sum(points) OVER (ORDER BY id) - points AS before FROM metric_log l
                WHERE run_id = $1 AND NOT EXISTS (SELECT 1 FROM metric_fresh f WHERE f.run_id = l.run_id AND f.log_id = l.id) ORDER BY id LIMIT {MaxRows}) rows
            WHERE before < {MaxPoints}
            """,
            work.Connection,
            work.Transaction)
        { Parameters = { new() { Value = run } } };
        await using var reader = await command.ExecuteReaderAsync(work.Token);
        while (await reader.ReadAsync(work.Token))
        {
            log.Ids.Add(reader.GetInt64(0));
            var lane = reader.GetInt32(1);
            MetricPayload.Decode(
                await reader.GetFieldValueAsync<byte[]>(2, work.Token),
                (string key, out List<StoredPoint> series) =>
                {
                    if (!log.Series.TryGetValue(key, out series!))
                    {
                        log.Series.Add(key, series = []);
                    }

                    return true;
                },
                (series, step, at, value) =>
                {
                    log.Points++;
                    series.Add(new StoredPoint(step, at, value, lane));
                });
        }

        log.More = log.Ids.Count == MaxRows || log.Points >= MaxPoints;
        return log;
    }

    private static async Task WriteAsync(UnitOfWork work, string run, Log log)
    {
        var last = await TakeLastChunksAsync(work, run, log.Series);
        var chunks = new ChunkRows();
        var rest = new Dictionary<int, List<MetricRow>>();
        foreach (var (key, series) in log.Series)
        {
            var points = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(series);
            points = points[..StoredPoint.Normalize(points)];
            if (points.Length < MinChunkPoints && !last.Contains(key))
            {
                foreach (var point in points)
                {
                    (rest.TryGetValue(point.Lane, out var rows) ? rows : rest[point.Lane] = []).Add(new MetricRow(key, point.Step, point.At, point.Value));
                }

                continue;
            }

            for (var begin = 0; begin < points.Length; begin += ChunkPoints)
            {
                chunks.Add(key, points.Slice(begin, Math.Min(ChunkPoints, points.Length - begin)));
            }
        }

        await chunks.InsertAsync(work, run);
        var remaining = new LogRows(rest.Count);
        foreach (var (lane, rows) in rest)
        {
            remaining.Add(run, lane, rows.Count, MetricPayload.Encode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(rows), compress: true));
        }

        await remaining.InsertAsync(work);
    }

    // The last chunk of a series grows until it is full: few points at a time would leave many small chunks.
    private static async Task<HashSet<string>> TakeLastChunksAsync(UnitOfWork work, string run, Dictionary<string, List<StoredPoint>> series)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand(
            """
            DELETE FROM metric_chunks c USING (
                SELECT w.key, (SELECT max(id) FROM metric_chunks m WHERE m.run_id = $1 AND m.key = w.key) AS id FROM unnest($2) AS w (key)) last
            WHERE c.run_id = $1 AND c.key = last.key AND c.id = last.id AND c.points < $3 RETURNING c.key, c.payload
            """,
            work.Connection,
            work.Transaction)
        { Parameters = { new() { Value = run }, new() { Value = series.Keys.ToArray() }, new() { Value = ChunkPoints } } };
        await using var reader = await command.ExecuteReaderAsync(work.Token);
        while (await reader.ReadAsync(work.Token))
        {
            keys.Add(reader.GetString(0));

            // In front, where they belong almost always: what is in order needs no sorting.
            var points = new List<StoredPoint>();
            ChunkCodec.Decode(await reader.GetFieldValueAsync<byte[]>(1, work.Token), points);
            points.AddRange(series[reader.GetString(0)]);
            series[reader.GetString(0)] = points;
        }

        return keys;
    }

    private sealed class Log
    {
        public List<long> Ids { get; } = [];

        public Dictionary<string, List<StoredPoint>> Series { get; } = new(StringComparer.Ordinal);

        public long Points { get; set; }

        public bool More { get; set; }
    }
}
