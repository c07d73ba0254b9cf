using System.Data.Common;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using Npgsql;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>Reads run documents.</summary>
internal static class RunDocuments
{
    public const string Columns = "r.id, e.mlflow_id, r.name, r.user_name, upper(r.status), r.started_at, r.ended_at, r.deleted_at IS NOT NULL, e.artifact_location";

    private const string Runs = $"SELECT {Columns} FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.purged_at IS NULL AND r.id = ANY($1)";
    private const string Fresh = $"SELECT {FreshMetrics.MustFold}, {FreshMetrics.Payload} FROM metric_fresh f WHERE f.run_id = ANY($1)";

    // The ends of .NET's time are infinities to PostgreSQL, which are no numbers; there are points with them.
    private const string LastAt =
        "CASE last_at WHEN '-infinity' THEN -62135596800000000 WHEN 'infinity' THEN 253402300799999999 ELSE (extract(epoch FROM last_at) * 1000000)::bigint END";

    private static readonly string[] Parts =
    [
        $"SELECT run_id, key, last_value, {LastAt}, last_step FROM metric_summaries WHERE run_id = ANY($1)",
        "SELECT run_id, key, value FROM run_params WHERE run_id = ANY($1)",
        "SELECT run_id, key, value FROM run_tags WHERE run_id = ANY($1)",
        "SELECT run_id, name, digest, source_type, source, schema, profile, tags::text FROM run_inputs WHERE run_id = ANY($1) ORDER BY run_id, created_at, name, digest",
        "SELECT run_id, model_id, direction, coalesce(step, 0) FROM run_models WHERE run_id = ANY($1) ORDER BY run_id, model_id",
    ];

    // PostgreSQL plans statements about lists anew each time, because it cannot know how long they are; those about one run once.
    private static readonly string[] OfOne = Array.ConvertAll<string, string>([Fresh, Runs, .. Parts], static sql => sql.Replace("ANY($1)", "$1", StringComparison.Ordinal));

    /// <summary>A document from a row that begins with <see cref="Columns"/>.</summary>
    public static RunDocument Of(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        ExperimentId = row.GetString(1),
        Name = row.GetString(2),
        UserName = row.IsDBNull(3) ? null : row.GetString(3),
        Status = row.GetString(4),
        StartedAt = row.IsDBNull(5) ? null : row.GetFieldValue<DateTimeOffset>(5),
        EndedAt = row.IsDBNull(6) ? null : row.GetFieldValue<DateTimeOffset>(6),
        Deleted = row.GetBoolean(7),
        ArtifactLocation = row.IsDBNull(8) ? null : row.GetString(8),
    };

    /// <summary>Adds metrics as the summaries have them, params, tags, inputs and models, in one round trip for all runs.</summary>
    public static async Task CompleteAsync(NpgsqlConnection connection, IReadOnlyList<RunDocument> runs, CancellationToken cancellationToken)
    {
        await using var batch = Batch(connection, Parts, runs.Select(run => run.Id).ToArray());
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await ReadPartsAsync(reader, runs, cancellationToken);
    }

    /// <summary>The documents of those of these runs that there are, with metrics as the summaries have them, in one round trip.</summary>
    public static async Task<List<RunDocument>> ReadAsync(NpgsqlConnection connection, string[] ids, CancellationToken cancellationToken)
    {
        await using var batch = Batch(connection, [Runs, .. Parts], ids);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var runs = await ReadRunsAsync(reader, cancellationToken);
        await ReadPartsAsync(reader, runs, cancellationToken);
        return runs;
    }

    /// <summary>One run with what has been acknowledged before the call, in one round trip; null when there is no such run, or when it must be folded first.</summary>
    public static async Task<(RunDocument? Run, bool MustFold)> ReadCurrentAsync(NpgsqlConnection connection, string id, CancellationToken cancellationToken)
    {
        // What is fresh first: a row that is folded between two statements is then in both, never in none.
        await using var batch = Batch(connection, OfOne, id);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        List<LatestMetric> fresh = [];
        var mustFold = false;
        while (await reader.ReadAsync(cancellationToken))
        {
            mustFold |= reader.GetBoolean(0);
            fresh = LatestMetric.Merge(fresh, FreshMetrics.Latest(reader.GetFieldValue<byte[]>(1)));
        }

        await reader.NextResultAsync(cancellationToken);
        var runs = await ReadRunsAsync(reader, cancellationToken);
        await ReadPartsAsync(reader, runs, cancellationToken);
        var run = runs.Count == 0 ? null : fresh.Count == 0 ? runs[0] : runs[0].With(LatestMetric.Merge(runs[0].Metrics, fresh));
        return (mustFold ? null : run, mustFold && runs.Count > 0);
    }

    private static async Task<List<RunDocument>> ReadRunsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var runs = new List<RunDocument>();
        while (await reader.ReadAsync(cancellationToken))
        {
            runs.Add(Of(reader));
        }

        await reader.NextResultAsync(cancellationToken);
        return runs;
    }

    private static NpgsqlBatch Batch<T>(NpgsqlConnection connection, IEnumerable<string> statements, T parameter)
    {
        var batch = new NpgsqlBatch(connection);
        foreach (var sql in statements)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<T> { TypedValue = parameter } } });
        }

        return batch;
    }

    private static async Task ReadPartsAsync(NpgsqlDataReader reader, IReadOnlyList<RunDocument> runs, CancellationToken cancellationToken)
    {
        var byId = runs.ToDictionary(run => run.Id, StringComparer.Ordinal);
        var metrics = byId.Values.ToDictionary(run => run.Id, _ => new List<LatestMetric>(), StringComparer.Ordinal);
        await ReadAsync(row => metrics.GetValueOrDefault(row.GetString(0))?.Add(new LatestMetric(row.GetString(1), row.GetDouble(2), row.GetInt64(3), row.GetInt64(4))));
        await ReadAsync(row => Run(row)?.Params.Add(new(row.GetString(1), row.GetString(2))));
        await ReadAsync(row => Run(row)?.Tags.Add(new(row.GetString(1), row.GetString(2))));
        await ReadAsync(row => Run(row)?.Inputs.Add(
            new InputRow(row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), Text(row, 5), Text(row, 6), row.GetString(7))));
        await ReadAsync(row => Run(row)?.Models.Add((row.GetString(1), row.GetString(2), row.GetInt64(3))));
        foreach (var run in runs)
        {
            // PostgreSQL orders by bytes, lookups here go by UTF-16: of most keys that is the same.
            metrics[run.Id].Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
            run.Params.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
            run.Tags.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
            run.Metrics = metrics[run.Id];
        }

        RunDocument? Run(NpgsqlDataReader row) => byId.GetValueOrDefault(row.GetString(0));

        async Task ReadAsync(Action<NpgsqlDataReader> read)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                read(reader);
            }

            await reader.NextResultAsync(cancellationToken);
        }
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
