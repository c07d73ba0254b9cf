using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.Tracking.Exports;

/// <summary>Exports runs as a table with a column per parameter, tag and metric, and points as a long table; both a part at a time.</summary>
internal sealed class RunExporter(Database database, RunStore runs, MetricReader reader, MetricSummaries summaries)
{
    private const int RunsAtOnce = 500;
    private const int MaxColumns = 1_000;
    private const int RowsAtOnce = 50_000;
    private const long PointsAtOnce = 500_000;

    /// <summary>The columns of a project's runs, or of one experiment's.</summary>
    /// <exception cref="ApiException">400 when there are more than 1,000 parameters, tags or metrics.</exception>
    public async Task<RunTable> TableAsync(string projectId, string? experimentId, CancellationToken cancellationToken)
    {
        // A metric that is not folded yet has a column too.
        await summaries.EnsureExperimentsAsync(experimentId is null ? await ExperimentsAsync(projectId, cancellationToken) : [experimentId], cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        var table = new RunTable();
        foreach (var (source, prefix) in new[] { ("run_params", "params."), ("run_tags", "tags."), ("metric_summaries", "metrics.") })
        {
            var keys = (await connection.QueryAsync<string>(new CommandDefinition(
                $"""
                SELECT DISTINCT e.key FROM {source} e JOIN runs r ON r.id = e.run_id
                WHERE r.project_id = @projectId AND r.deleted_at IS NULL AND (@experimentId::text IS NULL OR r.experiment_id = @experimentId) ORDER BY e.key LIMIT @limit
                """,
                new { projectId, experimentId, limit = MaxColumns + 1 },
                cancellationToken: cancellationToken))).AsList();
            Check.That(keys.Count <= MaxColumns, "experiment", "columns", MaxColumns);
            table.Add(prefix, keys);
        }

        return table;
    }

    /// <summary>Writes all runs, newest first.</summary>
    public async Task WriteAsync(string projectId, string? experimentId, RunTable table, IExportWriter writer, CancellationToken cancellationToken)
    {
        string? after = null;
        while (true)
        {
            var rows = await runs.ListAsync(projectId, experimentId, after, RunsAtOnce, cancellationToken);
            var part = rows.Take(RunsAtOnce).ToList();
            foreach (var run in await runs.CompleteAsync(part, cancellationToken))
            {
                table.Add(run);
            }

            await writer.WriteAsync(part.Count, cancellationToken);
            if (rows.Count <= RunsAtOnce)
            {
                await writer.CompleteAsync(cancellationToken);
                return;
            }

            after = part[^1].Id;
        }
    }

    /// <summary>Writes the points of runs, by run, metric and step.</summary>
    /// <param name="keys">Null for all metrics.</param>
    public async Task WritePointsAsync(
        IReadOnlyList<RunRow> exported, IReadOnlyCollection<string>? keys, bool allAttempts, PointTable table, IExportWriter writer, CancellationToken cancellationToken)
    {
        foreach (var run in exported)
        {
            foreach (var part in await PartsAsync(run.Id, keys, cancellationToken))
            {
                var series = await reader.ReadAsync([run.Id], part, allAttempts, cancellationToken);
                foreach (var ((_, key), points) in series.OrderBy(pair => pair.Key.Key, StringComparer.Ordinal))
                {
                    foreach (var point in points)
                    {
                        table.Add(run, key, point);
                        if (table.Rows == RowsAtOnce)
                        {
                            await writer.WriteAsync(table.Rows, cancellationToken);
                        }
                    }
                }
            }
        }

        await writer.WriteAsync(table.Rows, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    private async Task<string[]> ExperimentsAsync(string projectId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>(new CommandDefinition("SELECT id FROM experiments WHERE project_id = @projectId", new { projectId }, cancellationToken: cancellationToken))];
    }

    // Metrics of one run, so many at once that their points fit into memory; one long series goes alone.
    private async Task<IReadOnlyList<string[]>> PartsAsync(string runId, IReadOnlyCollection<string>? keys, CancellationToken cancellationToken)
    {
        await summaries.EnsureAsync([runId], cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Key, long Points)>(new CommandDefinition(
            "SELECT key, points FROM metric_summaries WHERE run_id = @runId AND (@keys::text[] IS NULL OR key = ANY(@keys)) ORDER BY key",
            new { runId, keys = keys?.ToArray() },
            cancellationToken: cancellationToken));
        var parts = new List<string[]>();
        var part = new List<string>();
        var waiting = 0L;
        foreach (var (key, points) in rows)
        {
            if (part.Count > 0 && waiting + points > PointsAtOnce)
            {
                parts.Add([.. part]);
                (part, waiting) = ([], 0);
            }

            part.Add(key);
            waiting += points;
        }

        return part.Count == 0 ? parts : [.. parts, [.. part]];
    }
}
