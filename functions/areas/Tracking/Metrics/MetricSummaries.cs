using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// Keeps latest, smallest and largest value of every series. Writers append to the log and mark their rows as fresh; folding
/// takes the fresh rows of some runs, of many writes at once, into the summaries and forgets the marks, in one transaction.
/// Readers that need summaries fold first what is fresh. A lock per run for the length of a transaction keeps folding,
/// resuming and compaction of one run apart; it ends with its transaction, so that a holder that lost it can change nothing.
/// </summary>
internal sealed class MetricSummaries(Database database, EventStream events, TimeProvider time) : IRunMetrics
{
    private const int MaxRows = 4_000;
    private const int RunsAtOnce = 64;

    /// <summary>Takes the locks of runs until the transaction ends, and makes it use indexes: the tables' sizes change faster than their statistics.</summary>
    public static Task LockAsync(UnitOfWork work, string[] runs)
        => work.ExecuteAsync(
            """
            SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);
            SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(run, 60) AS key FROM unnest(@runs) AS run ORDER BY key) keys
            """,
            new { runs });

    /// <summary>As <see cref="LockAsync"/> for one run; false when somebody else holds its lock.</summary>
    public static async Task<bool> TryLockAsync(UnitOfWork work, string run)
        => await work.SingleAsync<bool>("SELECT pg_try_advisory_xact_lock(hashtextextended(@run, 60))", new { run });

    /// <summary>Runs with fresh rows, those first that wait longest.</summary>
    public async Task<string[]> FreshAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT run_id FROM metric_fresh GROUP BY run_id ORDER BY min(log_id) LIMIT @limit", new { limit }, cancellationToken: cancellationToken))];
    }

    /// <summary>Folds what was acknowledged for these runs before the call.</summary>
    public async Task EnsureAsync(IReadOnlyCollection<string> runs, CancellationToken cancellationToken)
    {
        string[] fresh;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            fresh = [.. await connection.QueryAsync<string>(new CommandDefinition(
                "SELECT run FROM unnest(@runs) AS run WHERE EXISTS (SELECT 1 FROM metric_fresh f WHERE f.run_id = run)", new { runs = runs.ToArray() }, cancellationToken: cancellationToken))];
        }

        await FoldAsync(fresh, cancellationToken);
    }

    /// <summary>Folds what was acknowledged for any run of these experiments before the call.</summary>
    public async Task EnsureExperimentsAsync(string[] experiments, CancellationToken cancellationToken)
    {
        string[] runs;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            runs = [.. await connection.QueryAsync<string>(new CommandDefinition(
                """
                SELECT f.run_id FROM (SELECT DISTINCT run_id FROM metric_fresh) f
                WHERE (SELECT r.experiment_id FROM runs r WHERE r.id = f.run_id) = ANY(@experiments)
                """,
                new { experiments },
                cancellationToken: cancellationToken))];
        }

        await FoldAsync(runs, cancellationToken);
    }

    /// <summary>Folds the fresh rows of runs, some runs in a transaction.</summary>
    public async Task FoldAsync(string[] runs, CancellationToken cancellationToken)
    {
        foreach (var part in runs.Chunk(RunsAtOnce))
        {
            while (await database.InWorkAsync(
                async work =>
                {
                    await LockAsync(work, part);
                    return await FoldAsync(work, part);
                },
                cancellationToken))
            {
            }
        }
    }

    /// <summary>
    /// Records from which step an attempt went on, and makes the run's summaries anew when that changes the default view.
    /// What a run says itself wins over what its first points seemed to say, in whichever order they arrive.
    /// </summary>
    public async Task ResumeAsync(UnitOfWork work, ResumeRow resume, bool isExplicit)
    {
        await LockAsync(work, [resume.RunId]);
        var changed = await work.ExecuteAsync(
            """
            INSERT INTO run_resumes AS r (run_id, attempt, step, explicit, at) VALUES (@RunId, @Attempt, @Step, @isExplicit, @now)
            ON CONFLICT (run_id, attempt) DO UPDATE SET step = excluded.step, explicit = true, at = excluded.at
            WHERE excluded.explicit AND (r.step <> excluded.step OR NOT r.explicit)
            """,
            new { resume.RunId, resume.Attempt, resume.Step, isExplicit, now = time.GetUtcNow() });
        if (changed > 0)
        {
            await RebuildAsync(work, resume.RunId);
        }
    }

    private async Task<bool> FoldAsync(UnitOfWork work, string[] runs)
    {
        var view = await AttemptView.ReadAsync(work, runs);
        var summaries = new SummarySet();
        var log = new Dictionary<string, (int Rows, long Points)>(StringComparer.Ordinal);
        var rows = 0;
        await using (var command = new NpgsqlCommand(
            $"""
            WITH gone AS (
                DELETE FROM metric_fresh WHERE (run_id, log_id) IN (SELECT run_id, log_id FROM metric_fresh WHERE run_id = ANY($1) LIMIT {MaxRows})
                RETURNING run_id, log_id)
            SELECT l.run_id, l.lane, l.points, l.payload FROM gone JOIN metric_log l ON l.run_id = gone.run_id AND l.id = gone.log_id
            """,
            work.Connection,
            work.Transaction)
        { Parameters = { new() { Value = runs } } })
        await using (var reader = await command.ExecuteReaderAsync(work.Token))
        {
            for (; await reader.ReadAsync(work.Token); rows++)
            {
                var run = reader.GetString(0);
                Add(summaries, run, reader.GetInt32(1), await reader.GetFieldValueAsync<byte[]>(3, work.Token), view(run));
                var (logRows, points) = log.GetValueOrDefault(run);
                log[run] = (logRows + 1, points + reader.GetInt32(2));
            }
        }

        if (rows > 0)
        {
            await UpsertAsync(work, summaries);
            await MetricCompaction.CountAsync(work, log, time.GetUtcNow());
        }

        return rows == MaxRows;
    }

    private static void Add(SummarySet summaries, string run, int lane, byte[] payload, AttemptView view)
    {
        var lastStep = view.LastStep(MetricLane.Attempt(lane));
        MetricPayload.Decode(
            payload,
            (string key, out (SeriesSummary Summary, long LastStep) series) =>
            {
                series = (summaries.Of(run, key), MetricRow.IsSystem(key) ? long.MaxValue : lastStep);
                return true;
            },
            static (series, step, at, value) =>
            {
                if (step <= series.LastStep)
                {
                    series.Summary.Add(step, at, value);
                }
            });
    }

    /// <summary>From all points that are not fresh: those will be folded later.</summary>
    private async Task RebuildAsync(UnitOfWork work, string run)
    {
        var view = (await AttemptView.ReadAsync(work, [run]))(run);
        var summaries = new SummarySet();
        var points = new List<StoredPoint>();
        await work.ExecuteAsync("DELETE FROM metric_summaries WHERE run_id = @run", new { run });
        await using (var command = new NpgsqlCommand(
            """
            SELECT NULL, lane, payload FROM metric_log l WHERE run_id = $1 AND NOT EXISTS (SELECT 1 FROM metric_fresh f WHERE f.run_id = l.run_id AND f.log_id = l.id)
            UNION ALL SELECT key, 0, payload FROM metric_chunks WHERE run_id = $1
            """,
            work.Connection,
            work.Transaction)
        { Parameters = { new() { Value = run } } })
        await using (var reader = await command.ExecuteReaderAsync(work.Token))
        {
            while (await reader.ReadAsync(work.Token))
            {
                var payload = await reader.GetFieldValueAsync<byte[]>(2, work.Token);
                if (await reader.IsDBNullAsync(0, work.Token))
                {
                    Add(summaries, run, reader.GetInt32(1), payload, view);
                    continue;
                }

                points.Clear();
                ChunkCodec.Decode(payload, points);
                var key = reader.GetString(0);
                var summary = summaries.Of(run, key);
                foreach (var point in points.Where(point => MetricRow.IsSystem(key) || point.Step <= view.LastStep(MetricLane.Attempt(point.Lane))))
                {
                    summary.Add(point.Step, point.At, point.Value);
                }
            }
        }

        await UpsertAsync(work, summaries);
    }

    private async Task UpsertAsync(UnitOfWork work, SummarySet summaries)
    {
        var rows = summaries.ToRows();
        var latest = new Dictionary<string, Dictionary<string, MetricLatest>>(StringComparer.Ordinal);
        await using (var command = new NpgsqlCommand(
            """
            INSERT INTO metric_summaries AS s (run_id, key, last_step, last_at, last_value, min_value, max_value, points)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (run_id, key) DO UPDATE SET
                last_value = CASE WHEN (excluded.last_step, excluded.last_at, excluded.last_value) >= (s.last_step, s.last_at, s.last_value) THEN excluded.last_value ELSE s.last_value END,
                last_at = CASE WHEN (excluded.last_step, excluded.last_at) >= (s.last_step, s.last_at) THEN excluded.last_at ELSE s.last_at END,
                last_step = greatest(s.last_step, excluded.last_step),
                min_value = least(s.min_value, excluded.min_value),
                max_value = greatest(s.max_value, excluded.max_value),
                points = s.points + excluded.points
            RETURNING run_id, key, last_step, last_at, last_value
            """,
            work.Connection,
            work.Transaction))
        {
            Add(command, rows, row => row.Run, NpgsqlDbType.Text);
            Add(command, rows, row => row.Key, NpgsqlDbType.Text);
            Add(command, rows, row => row.Summary.LastStep, NpgsqlDbType.Bigint);
            Add(command, rows, row => row.Summary.LastAt, NpgsqlDbType.TimestampTz);
            Add(command, rows, row => row.Summary.LastValue, NpgsqlDbType.Double);
            Add(command, rows, row => row.Summary.Min, NpgsqlDbType.Double);
            Add(command, rows, row => row.Summary.Max, NpgsqlDbType.Double);
            Add(command, rows, row => row.Summary.Points, NpgsqlDbType.Bigint);
            await using var reader = await command.ExecuteReaderAsync(work.Token);
            while (await reader.ReadAsync(work.Token))
            {
                var topic = $"run:{reader.GetString(0)}";
                (latest.TryGetValue(topic, out var series) ? series : latest[topic] = new(StringComparer.Ordinal))[reader.GetString(1)]
                    = new MetricLatest(reader.GetInt64(2), reader.GetDateTime(3), reader.GetDouble(4));
            }
        }

        await events.PublishAsync(work, "run.metrics", latest);
    }

    private static void Add<TRow, T>(NpgsqlCommand command, TRow[] rows, Func<TRow, T> column, NpgsqlDbType type)
        => command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = Array.ConvertAll(rows, row => column(row)), NpgsqlDbType = NpgsqlDbType.Array | type });
}

/// <summary>The newest value of a series, as live listeners see it.</summary>
/// <param name="Step">Training step.</param>
/// <param name="At">When the value was measured.</param>
/// <param name="Value">The value; NaN and infinities travel as strings.</param>
internal sealed record MetricLatest(long Step, DateTime At, double Value);
