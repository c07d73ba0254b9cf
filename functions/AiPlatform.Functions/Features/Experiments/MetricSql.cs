namespace AiPlatform.Functions.Features.Experiments;

/// <summary>The statements of the metric writer.</summary>
internal static class MetricSql
{
    /// <summary>
    /// Inserts what is new and keeps the summaries of the default view in step. Answers two kinds of rows: per source
    /// the sequences that were new, per series its newest value.
    /// </summary>
    public const string Insert = """
        WITH added AS (
            INSERT INTO metric_points (run_id, attempt, source, sequence, key, step, value, at, superseded)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT DO NOTHING
            RETURNING run_id, attempt, source, sequence, key, step, value, at, superseded
        ), newest AS (
            SELECT DISTINCT ON (run_id, key) run_id, key, step, at, value
            FROM added WHERE NOT superseded ORDER BY run_id, key, step DESC, at DESC, source DESC, sequence DESC
        ), extremes AS (
            SELECT run_id, key, count(*) AS points,
                   min(value) FILTER (WHERE value <> 'NaN') AS low, max(value) FILTER (WHERE value <> 'NaN') AS high
            FROM added WHERE NOT superseded GROUP BY run_id, key
        ), summaries AS (
            INSERT INTO metric_summaries AS s (run_id, key, last_step, last_at, last_value, min_value, max_value, points)
            SELECT run_id, key, step, at, value, low, high, points FROM newest JOIN extremes USING (run_id, key)
            ON CONFLICT (run_id, key) DO UPDATE SET
                last_value = CASE WHEN (excluded.last_step, excluded.last_at) >= (s.last_step, s.last_at) THEN excluded.last_value ELSE s.last_value END,
                last_at = CASE WHEN (excluded.last_step, excluded.last_at) >= (s.last_step, s.last_at) THEN excluded.last_at ELSE s.last_at END,
                last_step = greatest(s.last_step, excluded.last_step),
                min_value = least(s.min_value, excluded.min_value),
                max_value = greatest(s.max_value, excluded.max_value),
                points = s.points + excluded.points
            RETURNING run_id, key, last_step, last_at, last_value
        )
        SELECT run_id, attempt, source, array_agg(sequence) AS sequences, NULL::text AS key, NULL::bigint, NULL::timestamptz, NULL::double precision
        FROM added GROUP BY run_id, attempt, source
        UNION ALL
        SELECT run_id, NULL, NULL, NULL, key, last_step, last_at, last_value FROM summaries
        """;

    /// <summary>The first missing sequence at or after @from, for a source whose later points arrived first.</summary>
    public const string NextMissing = """
        SELECT min(p.sequence) + 1 FROM metric_points p
        WHERE p.run_id = @RunId AND p.attempt = @Attempt AND p.source = @Source AND p.sequence >= @from - 1
          AND NOT EXISTS (SELECT 1 FROM metric_points n
                          WHERE n.run_id = p.run_id AND n.attempt = p.attempt AND n.source = p.source AND n.sequence = p.sequence + 1)
        """;

    /// <summary>Writes what sources have sent.</summary>
    public const string SaveSources = """
        INSERT INTO metric_sources AS s (run_id, attempt, source, points, next_sequence, max_sequence)
        SELECT * FROM unnest(@runs, @attempts, @sources, @points, @next, @max)
        ON CONFLICT (run_id, attempt, source) DO UPDATE SET
            points = excluded.points, next_sequence = excluded.next_sequence, max_sequence = excluded.max_sequence
        """;

    /// <summary>What the resume rows say wins over what the first points seemed to say, in whichever order they arrive.</summary>
    public const string RecordResume = """
        INSERT INTO run_resumes AS r (run_id, attempt, step, explicit, at) VALUES (@RunId, @Attempt, @Step, @isExplicit, @now)
        ON CONFLICT (run_id, attempt) DO UPDATE SET step = excluded.step, explicit = true, at = excluded.at
        WHERE excluded.explicit AND (r.step <> excluded.step OR NOT r.explicit)
        """;

    /// <summary>Applies all resumes of a run to the points of attempts before @Attempt, then makes the summaries anew.</summary>
    public const string ApplyResumes = """
        UPDATE metric_points p SET superseded = NOT p.superseded
        WHERE p.run_id = @RunId AND p.attempt < @Attempt AND p.superseded <> EXISTS (
            SELECT 1 FROM run_resumes r WHERE r.run_id = @RunId AND r.attempt > p.attempt AND p.step > r.step);
        DELETE FROM metric_summaries WHERE run_id = @RunId;
        INSERT INTO metric_summaries (run_id, key, last_step, last_at, last_value, min_value, max_value, points)
        SELECT newest.run_id, key, step, at, value, low, high, points
        FROM (SELECT DISTINCT ON (key) run_id, key, step, at, value FROM metric_points
              WHERE run_id = @RunId AND NOT superseded ORDER BY key, step DESC, at DESC, source DESC, sequence DESC) newest
        JOIN (SELECT key, count(*) AS points, min(value) FILTER (WHERE value <> 'NaN') AS low, max(value) FILTER (WHERE value <> 'NaN') AS high
              FROM metric_points WHERE run_id = @RunId AND NOT superseded GROUP BY key) extremes USING (key)
        """;
}
