using System.Diagnostics;
using AiPlatform.Bench.Platform;
using Npgsql;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// The same writes and searches before and after the database holds a hundred million points more. A run's points are logged
/// and compacted as always; its chunks are then copied, in the database, under the ids of further runs.
/// </summary>
internal static class TrackingScale
{
    private const int Copies = 100;
    private const int PointsPerCopy = 1_000_000;

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        using var client = await TrackingClient.ConnectAsync(platform, cancellationToken);
        await using var database = NpgsqlDataSource.Create(platform.Endpoints.GetProperty("postgres").GetString()!);
        var search = await client.CreateSearchedRunsAsync(2_000, cancellationToken);
        var before = await MeasureAsync(client, search, cancellationToken);
        var clock = Stopwatch.StartNew();
        var run = await client.CreateRunAsync("0", cancellationToken);
        await client.LogCurveAsync(run, PointsPerCopy, cancellationToken);
        await TrackingReads.CompactedAsync(database, cancellationToken);
        await CopyAsync(database, run, cancellationToken);
        var filled = clock.Elapsed;
        return new
        {
            pointsAdded = (long)Copies * PointsPerCopy,
            fillSeconds = Math.Round(filled.TotalSeconds),
            before,
            after = await MeasureAsync(client, search, cancellationToken),
            bytesPerPoint = await TrackingReads.BytesAsync(database, cancellationToken),
        };
    }

    private static async Task<Dictionary<string, object>> MeasureAsync(TrackingClient client, string search, CancellationToken cancellationToken)
    {
        var results = await Tracking.WriteAsync(client, cancellationToken);
        results["searchFiltered"] = await TrackingReads.SearchAsync(client, search);
        return results;
    }

    private static async Task CopyAsync(NpgsqlDataSource database, string run, CancellationToken cancellationToken)
    {
        for (var copy = 0; copy < Copies; copy++)
        {
            await using var command = database.CreateCommand(
                """
                WITH run AS (
                    INSERT INTO runs (id, project_id, experiment_id, name, status, user_name, created_by, created_at, updated_at, started_at)
                    SELECT replace(gen_random_uuid()::text, '-', ''), project_id, experiment_id, name, status, user_name, created_by, created_at, updated_at, started_at FROM runs WHERE id = $1
                    RETURNING id),
                summary AS (
                    INSERT INTO metric_summaries SELECT run.id, key, last_step, last_at, last_value, min_value, max_value, points FROM metric_summaries, run WHERE run_id = $1)
                INSERT INTO metric_chunks (run_id, key, first_step, last_step, first_at, last_at, lanes, points, min_value, max_value, last_value, payload)
                SELECT run.id, key, first_step, last_step, first_at, last_at, lanes, points, min_value, max_value, last_value, payload FROM metric_chunks, run WHERE run_id = $1
                """);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = run });
            command.CommandTimeout = 120;
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var analyze = database.CreateCommand("ANALYZE runs; ANALYZE metric_summaries; ANALYZE metric_chunks");
        await analyze.ExecuteNonQueryAsync(cancellationToken);
    }
}
