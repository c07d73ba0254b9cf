using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Tracking.Runs;

/// <summary>What was written down about runs, for other areas.</summary>
internal sealed class RunRecords : IRunRecords
{
    /// <inheritdoc />
    public async Task<RunRecord?> FindAsync(UnitOfWork work, string runId, int limit)
    {
        var run = await work.FindAsync<Row>(
            """
            SELECT r.id, r.name, r.experiment_id, e.name AS experiment_name, r.status, r.started_at, r.ended_at
            FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = @runId
            """,
            new { runId });
        if (run is null)
        {
            return null;
        }

        var metrics = await work.QueryAsync<(string Key, double Value)>(
            "SELECT key, last_value FROM metric_summaries WHERE run_id = @runId ORDER BY key LIMIT @limit", new { runId, limit });
        var inputs = await work.QueryAsync<RunInput>(
            """
            SELECT name AS "Name", digest AS "Digest", source_type AS "SourceType", source AS "Source" FROM run_inputs
            WHERE run_id = @runId ORDER BY name, digest LIMIT @limit
            """,
            new { runId, limit });
        return new RunRecord(
            run.Id, run.Name, run.ExperimentId, run.ExperimentName, run.Status, run.StartedAt, run.EndedAt, await PairsAsync(work, "run_params", runId, limit),
            await PairsAsync(work, "run_tags", runId, limit), metrics.ToDictionary(static metric => metric.Key, static metric => metric.Value, StringComparer.Ordinal), inputs);
    }

    /// <inheritdoc />
    public async Task<ILookup<string, KeyValuePair<string, string>>> ParamsAsync(UnitOfWork work, IReadOnlyCollection<string> runIds, int limit)
        => (await work.QueryAsync<(string Run, string Key, string Value)>(
                """
                SELECT run_id, key, value FROM run_params
                WHERE run_id = ANY(@runs) AND key IN (SELECT DISTINCT key FROM run_params WHERE run_id = ANY(@runs) ORDER BY key LIMIT @limit)
                """,
                new { runs = runIds.ToArray(), limit }))
            .ToLookup(static row => row.Run, static row => KeyValuePair.Create(row.Key, row.Value), StringComparer.Ordinal);

    // The table is one of two constants of this class.
    private static async Task<IReadOnlyDictionary<string, string>> PairsAsync(UnitOfWork work, string table, string runId, int limit)
        => (await work.QueryAsync<(string Key, string Value)>($"SELECT key, value FROM {table} WHERE run_id = @runId ORDER BY key LIMIT @limit", new { runId, limit }))
            .ToDictionary(static pair => pair.Key, static pair => pair.Value, StringComparer.Ordinal);

    private sealed class Row
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        public required string ExperimentId { get; init; }

        public required string ExperimentName { get; init; }

        public required string Status { get; init; }

        public DateTimeOffset? StartedAt { get; init; }

        public DateTimeOffset? EndedAt { get; init; }
    }
}
