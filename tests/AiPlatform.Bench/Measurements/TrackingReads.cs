using System.Text;
using System.Text.Json;
using AiPlatform.Bench.Platform;
using Npgsql;

namespace AiPlatform.Bench.Measurements;

/// <summary>Searches among many runs, long curves, many curves side by side, and what a point takes on disk.</summary>
internal static class TrackingReads
{
    private const int CurveRuns = 200;

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        using var client = await TrackingClient.ConnectAsync(platform, cancellationToken);
        await using var database = NpgsqlDataSource.Create(platform.Endpoints.GetProperty("postgres").GetString()!);
        var search = await client.CreateSearchedRunsAsync(10_000, cancellationToken);
        var results = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["searchFilteredOf10000"] = await SearchAsync(client, search),
        };
        var experiment = await client.CreateExperimentAsync(cancellationToken);
        var (project, runs, long1M) = await CurvesAsync(client, experiment, cancellationToken);
        await CompactedAsync(database, cancellationToken);
        results["series1000000To2000Buckets"] = await TrackingClient.TimesAsync(50, () => client.GetAsync($"/v1/runs/{long1M}/metrics/series?key=curve&buckets=2000", cancellationToken));
        var body = JsonSerializer.Serialize(new { runs, keys = new[] { "curve" }, buckets = 500 });
        results["compare200RunsOf10000"] = await TrackingClient.TimesAsync(20, () => client.PostAsync($"/v1/projects/{project}/metrics/compare", body, cancellationToken));
        results["bytesPerPoint"] = await BytesAsync(database, cancellationToken);
        return results;
    }

    /// <summary>A filter on a metric and a param, ordered by a metric, by clients one, four and sixteen at a time.</summary>
    public static async Task<object> SearchAsync(TrackingClient client, string experiment)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"experiment_ids":["{{experiment}}"],"max_results":100,"filter":"metrics.m1 > 0.5 AND params.p1 = '3'","order_by":["metrics.m3 DESC"]}""");
        var loads = new List<LoadResult>();
        foreach (var connections in (int[])[1, 4, 16])
        {
            loads.Add(await client.LoadAsync((connection, _) => connection.PostAsync(TrackingClient.Root + "runs/search", body), connections, warmUpSeconds: 1, seconds: 4));
        }

        return loads;
    }

    /// <summary>Waits until compaction has taken what was written.</summary>
    public static async Task CompactedAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT coalesce(sum(log_points), 0)::bigint FROM metric_pending WHERE log_points >= 2000");
        while ((long)(await command.ExecuteScalarAsync(cancellationToken))! > 0)
        {
            await Task.Delay(200, cancellationToken);
        }
    }

    /// <summary>Bytes of all tables and indexes of points, as they are and after what autovacuum does in time, divided by the points.</summary>
    public static async Task<object> BytesAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            SELECT (SELECT coalesce(sum(points), 0) FROM metric_chunks)::bigint, (SELECT coalesce(sum(points), 0) FROM metric_log)::bigint,
                   pg_total_relation_size('metric_chunks'), pg_total_relation_size('metric_log'), pg_total_relation_size('metric_summaries')
            """,
            connection)
        { CommandTimeout = 120 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (inChunks, inLog) = (reader.GetInt64(0), reader.GetInt64(1));
        return new
        {
            pointsInChunks = inChunks,
            pointsInLog = inLog,
            chunks = Math.Round(reader.GetInt64(2) / (double)Math.Max(1, inChunks), 2),
            logMegabytes = reader.GetInt64(3) >> 20,
            summariesMegabytes = reader.GetInt64(4) >> 20,
        };
    }

    private static async Task<(string Project, string[] Runs, string Long)> CurvesAsync(TrackingClient client, string experiment, CancellationToken cancellationToken)
    {
        var runs = new string[CurveRuns];
        await Parallel.ForEachAsync(Enumerable.Range(0, CurveRuns), new ParallelOptions { MaxDegreeOfParallelism = TrackingClient.Connections, CancellationToken = cancellationToken }, async (i, token) =>
        {
            runs[i] = await client.CreateRunAsync(experiment, token);
            await client.LogCurveAsync(runs[i], 10_000, token);
        });
        var run = await client.CreateRunAsync(experiment, cancellationToken);
        await client.LogCurveAsync(run, 1_000_000, cancellationToken);
        using var document = JsonDocument.Parse(await client.GetAsync($"/v1/runs/{run}", cancellationToken));
        return (document.RootElement.GetProperty("projectId").GetString()!, runs, run);
    }
}
