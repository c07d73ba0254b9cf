using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.Tracking.Comparison;

/// <summary>Reads what runs have in common and what tells them apart: one row per key, all runs in one statement.</summary>
internal sealed class RunComparisonReader(Database database, MetricSummaries summaries)
{
    private const int MaxKeys = 1_000;
    private const int MaxText = 500;

    /// <summary>The runs side by side.</summary>
    public async Task<RunComparison> ReadAsync(IReadOnlyList<RunRow> runs, bool onlyDifferent, CancellationToken cancellationToken)
    {
        var ids = runs.Select(run => run.Id).ToArray();
        await summaries.EnsureAsync(ids, cancellationToken);
        var places = ids.Index().ToDictionary(pair => pair.Item, pair => pair.Index, StringComparer.Ordinal);
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            $"""
            {Texts("run_params")};
            {Texts("run_tags")};
            SELECT key, differs, runs, last, min, max FROM (
                SELECT key, count(DISTINCT last_value) > 1 OR count(*) < @count AS differs, array_agg(run_id) AS runs, array_agg(last_value) AS last,
                       array_agg(coalesce(min_value, 'NaN')) AS min, array_agg(coalesce(max_value, 'NaN')) AS max
                FROM metric_summaries WHERE run_id = ANY(@ids) GROUP BY key) rows
            WHERE differs OR NOT @onlyDifferent ORDER BY key LIMIT {MaxKeys + 1}
            """,
            new { ids, count = ids.Length, onlyDifferent },
            cancellationToken: cancellationToken));
        var parameters = (await results.ReadAsync<TextRow>()).AsList();
        var tags = (await results.ReadAsync<TextRow>()).AsList();
        var metrics = (await results.ReadAsync<MetricsRow>()).AsList();
        return new RunComparison(
            [.. runs.Select(run => new RunHeading(run.Id, run.ExperimentId, run.Name, run.Status, run.JobId, run.CreatedAt, run.StartedAt, run.EndedAt))],
            [.. parameters.Take(MaxKeys).Select(row => new ComparedText(row.Key, row.Differs, Place<string?>(places, row.Runs, row.Values)))],
            [.. tags.Take(MaxKeys).Select(row => new ComparedText(row.Key, row.Differs, Place<string?>(places, row.Runs, row.Values)))],
            [
                .. metrics.Take(MaxKeys).Select(row => new ComparedMetric(
                    row.Key, row.Differs, Place(places, row.Runs, Numbers(row.Last)), Place(places, row.Runs, Extremes(row.Min)), Place(places, row.Runs, Extremes(row.Max)))),
            ],
            parameters.Count > MaxKeys || tags.Count > MaxKeys || metrics.Count > MaxKeys);
    }

    // The table is one of two constants of this class.
    private static string Texts(string table) =>
        $"""
        SELECT key, differs, runs, values FROM (
            SELECT key, count(DISTINCT value) > 1 OR count(*) < @count AS differs, array_agg(run_id) AS runs, array_agg(left(value, {MaxText})) AS values
            FROM {table} WHERE run_id = ANY(@ids) GROUP BY key) rows
        WHERE differs OR NOT @onlyDifferent ORDER BY key LIMIT {MaxKeys + 1}
        """;

    private static double?[] Numbers(double[] values) => Array.ConvertAll(values, value => (double?)value);

    private static double?[] Extremes(double[] values) => Array.ConvertAll(values, value => double.IsNaN(value) ? (double?)null : value);

    private static T[] Place<T>(Dictionary<string, int> places, string[] runs, T[] values)
    {
        var row = new T[places.Count];
        for (var i = 0; i < runs.Length; i++)
        {
            row[places[runs[i]]] = values[i];
        }

        return row;
    }

    private sealed class TextRow
    {
        public required string Key { get; init; }

        public bool Differs { get; init; }

        public required string[] Runs { get; init; }

        public required string[] Values { get; init; }
    }

    private sealed class MetricsRow
    {
        public required string Key { get; init; }

        public bool Differs { get; init; }

        public required string[] Runs { get; init; }

        public required double[] Last { get; init; }

        /// <summary>NaN where all values are.</summary>
        public required double[] Min { get; init; }

        /// <summary>NaN where all values are.</summary>
        public required double[] Max { get; init; }
    }
}
