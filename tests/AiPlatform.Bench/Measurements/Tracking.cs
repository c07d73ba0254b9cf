using System.Text;
using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>What MLflow clients do most, through the MLflow endpoints at 16 connections.</summary>
internal static class Tracking
{
    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        using var client = await TrackingClient.ConnectAsync(platform, cancellationToken);
        var results = await WriteAsync(client, cancellationToken);
        var search = await client.CreateSearchedRunsAsync(1_000, cancellationToken);
        results["search100Of1000"] = await client.LoadAsync(Search(search, 100));
        var run = await client.CreateRunAsync(search, cancellationToken);
        await client.LogCurveAsync(run, 10_000, cancellationToken);
        results["getHistory10000"] = await client.LoadAsync((connection, _) => connection.GetAsync($"{TrackingClient.Root}metrics/get-history?run_id={run}&metric_key=curve"));
        results["getRun"] = await client.LoadAsync((connection, _) => connection.GetAsync($"{TrackingClient.Root}runs/get?run_id={run}"));
        results["mixed100Clients"] = await MixedAsync(client, search, run, cancellationToken);
        return results;
    }

    /// <summary>The write rates alone.</summary>
    public static async Task<Dictionary<string, object>> WriteAsync(TrackingClient client, CancellationToken cancellationToken)
    {
        var runs = new List<string>();
        for (var i = 0; i < TrackingClient.Connections; i++)
        {
            runs.Add(await client.CreateRunAsync("0", cancellationToken));
        }

        var results = new Dictionary<string, object>(StringComparer.Ordinal);
        long step = 0;
        var batches = runs.ConvertAll(MetricsBody.Batch);
        var metrics = runs.ConvertAll(MetricsBody.Metric);
        var creation = """{"experiment_id":"0","start_time":1700000000000,"tags":[{"key":"mlflow.user","value":"bench"}]}"""u8.ToArray();
        results["logBatch100"] = await client.LoadAsync((connection, index) => connection.PostAsync(TrackingClient.Root + "runs/log-batch", batches[index].At(Interlocked.Increment(ref step))));
        results["logMetric"] = await client.LoadAsync((connection, index) => connection.PostAsync(TrackingClient.Root + "runs/log-metric", metrics[index].At(Interlocked.Increment(ref step))));
        results["createRun"] = await client.LoadAsync((connection, _) => connection.PostAsync(TrackingClient.Root + "runs/create", creation));
        return results;
    }

    // As training and people do it at once, without a pause between two requests: mostly points, some reads.
    private static async Task<object> MixedAsync(TrackingClient client, string experiment, string curve, CancellationToken cancellationToken)
    {
        const int clients = 100;
        var runs = new string[clients];
        for (var i = 0; i < clients; i++)
        {
            runs[i] = await client.CreateRunAsync(experiment, cancellationToken);
        }

        long step = 0;
        var batches = Array.ConvertAll(runs, MetricsBody.Batch);
        var metrics = Array.ConvertAll(runs, MetricsBody.Metric);
        var creation = Encoding.UTF8.GetBytes($$"""{"experiment_id":"{{experiment}}","start_time":1700000000000}""");
        var search = Search(experiment, 10);
        return await client.LoadAsync(
            (connection, index) =>
            {
                var now = Interlocked.Increment(ref step);
                return (now % 20) switch
                {
                    < 8 => connection.PostAsync(TrackingClient.Root + "runs/log-batch", batches[index].At(now)),
                    < 13 => connection.PostAsync(TrackingClient.Root + "runs/log-metric", metrics[index].At(now)),
                    < 16 => connection.GetAsync($"{TrackingClient.Root}runs/get?run_id={runs[index]}"),
                    16 => connection.PostAsync(TrackingClient.Root + "runs/set-tag", Encoding.UTF8.GetBytes($$"""{"run_id":"{{runs[index]}}","key":"t","value":"{{now}}"}""")),
                    17 => search(connection, index),
                    18 => connection.GetAsync($"{TrackingClient.Root}metrics/get-history?run_id={curve}&metric_key=curve&max_results=1000"),
                    _ => connection.PostAsync(TrackingClient.Root + "runs/create", creation),
                };
            },
            clients,
            seconds: 10);
    }

    private static Func<LoadConnection, int, ValueTask> Search(string experiment, int results)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"experiment_ids":["{{experiment}}"],"max_results":{{results}},"order_by":["metrics.m3 DESC"]}""");
        return (connection, _) => connection.PostAsync(TrackingClient.Root + "runs/search", body);
    }
}
