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
        results["search100Of1000"] = await TrackingClient.LoadAsync(_ => client.PostAsync("runs/search", $$"""{"experiment_ids":["{{search}}"],"max_results":100,"order_by":["metrics.m3 DESC"]}""", cancellationToken));
        var run = await client.CreateRunAsync(search, cancellationToken);
        await client.LogCurveAsync(run, 10_000, cancellationToken);
        results["getHistory10000"] = await TrackingClient.LoadAsync(_ => client.GetAsync($"metrics/get-history?run_id={run}&metric_key=curve", cancellationToken));
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
        results["logBatch100"] = await TrackingClient.LoadAsync(index => client.PostAsync("runs/log-batch", TrackingClient.Batch(runs[index], Interlocked.Increment(ref step)), cancellationToken));
        results["logMetric"] = await TrackingClient.LoadAsync(index => client.PostAsync("runs/log-metric", TrackingClient.Metric(runs[index], Interlocked.Increment(ref step)), cancellationToken));
        results["createRun"] = await TrackingClient.LoadAsync(
            _ => client.PostAsync("runs/create", """{"experiment_id":"0","start_time":1700000000000,"tags":[{"key":"mlflow.user","value":"bench"}]}""", cancellationToken));
        return results;
    }

    // As training and people do it at once: mostly points, some reads, with a short pause between two requests.
    private static async Task<object> MixedAsync(TrackingClient client, string experiment, string curve, CancellationToken cancellationToken)
    {
        const int clients = 100;
        var runs = new string[clients];
        for (var i = 0; i < clients; i++)
        {
            runs[i] = await client.CreateRunAsync(experiment, cancellationToken);
        }

        long step = 0;
        return await TrackingClient.LoadAsync(
            async index =>
            {
                var now = Interlocked.Increment(ref step);
                await ((now % 20) switch
                {
                    < 8 => client.PostAsync("runs/log-batch", TrackingClient.Batch(runs[index], now), cancellationToken),
                    < 13 => client.PostAsync("runs/log-metric", TrackingClient.Metric(runs[index], now), cancellationToken),
                    < 16 => client.GetAsync($"runs/get?run_id={runs[index]}", cancellationToken),
                    16 => client.PostAsync("runs/set-tag", $$"""{"run_id":"{{runs[index]}}","key":"t","value":"{{now}}"}""", cancellationToken),
                    17 => client.PostAsync("runs/search", $$"""{"experiment_ids":["{{experiment}}"],"max_results":10,"order_by":["metrics.m3 DESC"]}""", cancellationToken),
                    18 => client.GetAsync($"metrics/get-history?run_id={curve}&metric_key=curve&max_results=1000", cancellationToken),
                    _ => client.CreateRunAsync(experiment, cancellationToken),
                });
            },
            clients,
            seconds: 10);
    }
}
