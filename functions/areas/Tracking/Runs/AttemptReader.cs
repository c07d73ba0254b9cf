using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Tracking.Metrics;
using Dapper;
using Npgsql;

namespace AiPlatform.Tracking.Runs;

/// <summary>Shows the attempts of a run as its segments: who wrote which steps, and what of it a later attempt superseded.</summary>
internal sealed class AttemptReader(Database database, MetricReader metrics)
{
    /// <summary>The attempts by number; the first one is there even when it has written nothing.</summary>
    public async Task<IReadOnlyList<RunAttempt>> ReadAsync(RunRow run, CancellationToken cancellationToken)
    {
        var completeness = (await metrics.CompletenessAsync(run.Id, cancellationToken)).Sources.ToLookup(source => source.Attempt);
        await using var connection = await database.OpenAsync(cancellationToken);
        var jobs = run.JobId is null
            ? new Dictionary<int, AttemptRow>()
            : (await connection.QueryAsync<AttemptRow>(new CommandDefinition(
                $"SELECT a.attempt, a.status, a.reason, a.started_at, a.ended_at FROM {ComputeRelations.JobAttempts} a WHERE a.job_id = @JobId",
                new { run.JobId },
                cancellationToken: cancellationToken)))
                .ToDictionary(row => row.Attempt);
        var resumes = (await connection.QueryAsync<ResumeRow>(new CommandDefinition(
            "SELECT run_id AS \"RunId\", attempt AS \"Attempt\", step AS \"Step\" FROM run_resumes WHERE run_id = @Id", new { run.Id }, cancellationToken: cancellationToken))).AsList();
        var written = await WrittenAsync(connection, run.Id, cancellationToken);
        var view = new AttemptView(resumes);
        return
        [
            .. written.Keys.Concat(jobs.Keys).Concat(resumes.Select(resume => resume.Attempt)).Concat(completeness.Select(group => group.Key)).Append(1).Distinct().Order().Select(attempt =>
            {
                var job = jobs.GetValueOrDefault(attempt);
                var steps = written.GetValueOrDefault(attempt) ?? new Segment();
                return new RunAttempt(
                    attempt, job?.Status, job?.Reason, job?.StartedAt, job?.EndedAt, resumes.Find(resume => resume.Attempt == attempt) is { } own ? Math.Max(-1, own.Step) : null,
                    steps.First, steps.Last, view.LastStep(attempt) is var until && until == long.MaxValue ? null : Math.Max(-1, until), steps.Points,
                    completeness[attempt].All(source => source.Gaps.Count == 0));
            }),
        ];
    }

    /// <summary>Whether the run has more than its first attempt.</summary>
    public async Task<bool> HasSeveralAsync(RunRow run, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            $"""
            SELECT EXISTS (SELECT 1 FROM run_resumes WHERE run_id = @Id AND attempt > 1)
                OR EXISTS (SELECT 1 FROM metric_sources WHERE run_id = @Id AND attempt > 1)
                OR EXISTS (SELECT 1 FROM {ComputeRelations.JobAttempts} a WHERE a.job_id = @JobId AND a.attempt > 1)
            """,
            new { run.Id, run.JobId },
            cancellationToken: cancellationToken));
    }

    // The heads of chunks say it for chunks of one attempt; only what several attempts share, and the log, is decoded.
    private static async Task<Dictionary<int, Segment>> WrittenAsync(NpgsqlConnection connection, string runId, CancellationToken cancellationToken)
    {
        var written = new Dictionary<int, Segment>();
        await using var command = new NpgsqlCommand(
            $"""
            SELECT c.lanes[1] / 2, min(c.first_step), max(c.last_step), sum(c.points)::bigint, NULL::int, NULL::bytea
            FROM metric_chunks c WHERE c.run_id = $1 AND NOT starts_with(c.key, '{MetricRow.SystemPrefix}') AND c.lanes[1] / 2 = ALL (SELECT lane / 2 FROM unnest(c.lanes) AS lane)
            GROUP BY c.lanes[1] / 2
            UNION ALL SELECT NULL, NULL, NULL, NULL, -1, c.payload
            FROM metric_chunks c WHERE c.run_id = $1 AND NOT starts_with(c.key, '{MetricRow.SystemPrefix}') AND c.lanes[1] / 2 <> ANY (SELECT lane / 2 FROM unnest(c.lanes) AS lane)
            UNION ALL SELECT NULL, NULL, NULL, NULL, lane, payload FROM metric_log WHERE run_id = $1
            """,
            connection)
        { Parameters = { new() { Value = runId } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var points = new List<StoredPoint>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (await reader.IsDBNullAsync(4, cancellationToken))
            {
                Of(written, reader.GetInt32(0)).Add(reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
                continue;
            }

            var payload = await reader.GetFieldValueAsync<byte[]>(5, cancellationToken);
            if (reader.GetInt32(4) is var lane && lane >= 0)
            {
                var segment = Of(written, MetricLane.Attempt(lane));
                MetricPayload.Decode(
                    payload, static (string key, out string series) => !MetricRow.IsSystem(series = key), (_, step, _, _) => segment.Add(step, step, 1));
                continue;
            }

            points.Clear();
            ChunkCodec.Decode(payload, points);
            foreach (var point in points)
            {
                Of(written, MetricLane.Attempt(point.Lane)).Add(point.Step, point.Step, 1);
            }
        }

        return written;
    }

    private static Segment Of(Dictionary<int, Segment> written, int attempt) => CollectionsMarshal.GetValueRefOrAddDefault(written, attempt, out _) ??= new Segment();

    private sealed class Segment
    {
        public long? First { get; private set; }

        public long? Last { get; private set; }

        public long Points { get; private set; }

        public void Add(long first, long last, long points)
        {
            First = Math.Min(First ?? long.MaxValue, first);
            Last = Math.Max(Last ?? long.MinValue, last);
            Points += points;
        }
    }

    private sealed class AttemptRow
    {
        public int Attempt { get; init; }

        public AttemptStatus Status { get; init; }

        public string? Reason { get; init; }

        public DateTimeOffset? StartedAt { get; init; }

        public DateTimeOffset? EndedAt { get; init; }
    }
}
