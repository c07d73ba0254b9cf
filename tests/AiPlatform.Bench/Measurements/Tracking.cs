using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// What MLflow clients do most, through the MLflow endpoints: requests per second and their times at 16 connections, with
/// bodies made beforehand so that the generator costs as little as it can.
/// </summary>
internal static class Tracking
{
    private const int Connections = 16;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 128, PooledConnectionLifetime = Timeout.InfiniteTimeSpan })
        {
            BaseAddress = new Uri(platform.ApiUrl, "/api/2.0/mlflow/"),
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await platform.Tokens.GetTokenAsync(null, cancellationToken));
        var runs = new List<string>();
        for (var i = 0; i < Connections; i++)
        {
            runs.Add(await CreateRunAsync(http, "0", cancellationToken));
        }

        var results = new Dictionary<string, object>(StringComparer.Ordinal);
        long step = 0;
        results["logBatch100"] = await LoadAsync(client => PostAsync(http, "runs/log-batch", Batch(runs[client], Interlocked.Increment(ref step)), cancellationToken));
        results["logMetric"] = await LoadAsync(client => PostAsync(http, "runs/log-metric", Metric(runs[client], Interlocked.Increment(ref step)), cancellationToken));
        results["createRun"] = await LoadAsync(_ => PostAsync(http, "runs/create", """{"experiment_id":"0","start_time":1700000000000,"tags":[{"key":"mlflow.user","value":"bench"}]}""", cancellationToken));
        var search = await CreateSearchedRunsAsync(http, cancellationToken);
        results["search100Of1000"] = await LoadAsync(_ => PostAsync(http, "runs/search", $$"""{"experiment_ids":["{{search}}"],"max_results":100,"order_by":["metrics.m3 DESC"]}""", cancellationToken));
        results["searchFiltered"] = await LoadAsync(_ => PostAsync(
            http, "runs/search", $$"""{"experiment_ids":["{{search}}"],"max_results":100,"filter":"metrics.m1 > 0.5 AND params.p1 = '3'","order_by":["metrics.m3 DESC"]}""", cancellationToken));
        for (var first = 0; first < 10_000; first += 1_000)
        {
            await PostAsync(http, "runs/log-batch", History(runs[0], first), cancellationToken);
        }

        results["getHistory10000"] = await LoadAsync(_ => GetAsync(http, $"metrics/get-history?run_id={runs[0]}&metric_key=curve", cancellationToken));
        return results;
    }

    private static async Task<object> LoadAsync(Func<int, Task> call)
    {
        var times = new ConcurrentQueue<double>();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(client => Task.Run(async () =>
        {
            while (clock.Elapsed < WarmUp + Duration)
            {
                var begin = Stopwatch.GetTimestamp();
                await call(client);
                if (clock.Elapsed > WarmUp)
                {
                    times.Enqueue(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            }
        })));
        return new { connections = Connections, requestsPerSecond = Math.Round(times.Count / Duration.TotalSeconds), times = Percentiles.Of(times) };
    }

    private static async Task<string> CreateSearchedRunsAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var name = $"bench-{Guid.NewGuid():N}";
        using var created = await SendAsync(http, "experiments/create", $$"""{"name":"{{name}}"}""", cancellationToken);
        using var document = JsonDocument.Parse(await created.Content.ReadAsStringAsync(cancellationToken));
        var experiment = document.RootElement.GetProperty("experiment_id").GetString()!;
        await Parallel.ForEachAsync(Enumerable.Range(0, 1_000), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = cancellationToken }, async (i, token) =>
        {
            var run = await CreateRunAsync(http, experiment, token);
            var metrics = string.Join(',', Enumerable.Range(0, 20).Select(m => FormattableString.Invariant($"{{\"key\":\"m{m}\",\"value\":{(i * 37 % 1000) / 1000.0},\"timestamp\":{1_700_000_000_000 + i},\"step\":1}}")));
            var parameters = string.Join(',', Enumerable.Range(0, 5).Select(p => $"{{\"key\":\"p{p}\",\"value\":\"{i % 10}\"}}"));
            await PostAsync(http, "runs/log-batch", $"{{\"run_id\":\"{run}\",\"metrics\":[{metrics}],\"params\":[{parameters}]}}", token);
        });
        return experiment;
    }

    private static async Task<string> CreateRunAsync(HttpClient http, string experiment, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(http, "runs/create", $$"""{"experiment_id":"{{experiment}}","start_time":1700000000000}""", cancellationToken);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        return document.RootElement.GetProperty("run").GetProperty("info").GetProperty("run_id").GetString()!;
    }

    private static string Batch(string run, long step)
    {
        var text = new StringBuilder(8_192).Append("{\"run_id\":\"").Append(run).Append("\",\"metrics\":[");
        for (var i = 0; i < 100; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"key\":\"metric_{i}\",\"value\":{1.0 / (step + i + 1)},\"timestamp\":{1_700_000_000_000 + step},\"step\":{step}}}");
        }

        return text.Append("]}").ToString();
    }

    private static string History(string run, int first)
    {
        var points = Enumerable.Range(first, 1_000).Select(i => FormattableString.Invariant($"{{\"key\":\"curve\",\"value\":{Math.Sin(i * 0.01)},\"timestamp\":{1_700_000_000_000 + i},\"step\":{i}}}"));
        return $"{{\"run_id\":\"{run}\",\"metrics\":[{string.Join(',', points)}]}}";
    }

    private static string Metric(string run, long step)
        => FormattableString.Invariant($"{{\"run_id\":\"{run}\",\"key\":\"loss\",\"value\":{1.0 / (step + 1)},\"timestamp\":{1_700_000_000_000 + step},\"step\":{step}}}");

    private static async Task PostAsync(HttpClient http, string path, string body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(http, path, body, cancellationToken);
    }

    private static async Task GetAsync(HttpClient http, string path, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, string path, string body, CancellationToken cancellationToken)
    {
        var response = await http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), cancellationToken);
        return response.IsSuccessStatusCode
            ? response
            : throw new HttpRequestException($"{path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
    }
}
