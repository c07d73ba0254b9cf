using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>An MLflow client for set-up and reads; load comes from <see cref="LoadConnection"/>.</summary>
internal sealed class TrackingClient : IDisposable
{
    public const int Connections = 16;

    // In the first ten seconds after the start the compilation of hot methods takes a sixth of two cores.
    private const double WarmUpSeconds = 10;

    /// <summary>Where MLflow's API begins.</summary>
    public const string Root = "/api/2.0/mlflow/";

    // Milliseconds of a processor for one request, below which a process has no part in it.
    private const double WorthNaming = 0.005;

    private readonly PlatformProcess _platform;
    private readonly HttpClient _http;
    private readonly string _token;

    private TrackingClient(PlatformProcess platform, HttpClient http, string token) => (_platform, _http, _token) = (platform, http, token);

    /// <summary>Logs in.</summary>
    public static async Task<TrackingClient> ConnectAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 128, PooledConnectionLifetime = Timeout.InfiniteTimeSpan })
        {
            BaseAddress = new Uri(platform.ApiUrl, Root),
        };
        var token = await platform.Tokens.GetTokenAsync(null, cancellationToken) ?? throw new InvalidOperationException("The platform gave no token.");
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new TrackingClient(platform, http, token);
    }

    /// <summary>Calls without a pause from several connections: requests per second, their times, and what they cost each process, after a warm-up.</summary>
    public async Task<LoadResult> LoadAsync(Func<LoadConnection, int, ValueTask> call, int connections = Connections, double warmUpSeconds = WarmUpSeconds, double seconds = 6)
    {
        var times = new ConcurrentQueue<double>();
        var clock = Stopwatch.StartNew();
        var warm = Task.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(warmUpSeconds));
            return (Use: ProcessUse.Of(_platform), Requests: times.Count, Generator: Environment.CpuUsage.TotalTime);
        });
        await Task.WhenAll(Enumerable.Range(0, connections).Select(index => Task.Run(async () =>
        {
            using var connection = await LoadConnection.OpenAsync(_http.BaseAddress!, _token, CancellationToken.None);
            while (clock.Elapsed.TotalSeconds < warmUpSeconds + seconds)
            {
                var begin = Stopwatch.GetTimestamp();
                await call(connection, index);
                if (clock.Elapsed.TotalSeconds > warmUpSeconds)
                {
                    times.Enqueue(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            }
        })));
        var (before, uncounted, generator) = await warm;
        double PerRequest(double processorSeconds) => Math.Round(processorSeconds * 1_000 / (times.Count - uncounted), 3);
        var costs = ProcessUse.Of(_platform).Since(before).Select(part => (part.Name, Cost: PerRequest(part.Processor))).Where(part => part.Cost >= WorthNaming)
            .ToDictionary(part => part.Name, part => part.Cost);
        costs["generator"] = PerRequest((Environment.CpuUsage.TotalTime - generator).TotalSeconds);
        return new LoadResult(connections, Math.Round(times.Count / seconds), Percentiles.Of(times), costs);
    }

    /// <summary>Repeats one call, one at a time.</summary>
    public static async Task<Percentiles> TimesAsync(int count, Func<Task> call)
    {
        await call();
        var times = new List<double>();
        for (var i = 0; i < count; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            await call();
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        return Percentiles.Of(times);
    }

    public async Task PostAsync(string path, string body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(path, body, cancellationToken);
    }

    public async Task<JsonElement> AskAsync(string path, string body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(path, body, cancellationToken);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        return document.RootElement.Clone();
    }

    /// <summary>Gets, and reads the answer to its end.</summary>
    public async Task<byte[]> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    public async Task<string> CreateExperimentAsync(CancellationToken cancellationToken)
        => (await AskAsync("experiments/create", $$"""{"name":"bench-{{Guid.NewGuid():N}}"}""", cancellationToken)).GetProperty("experiment_id").GetString()!;

    /// <summary>A run and its experiment's project.</summary>
    public async Task<string> CreateRunAsync(string experiment, CancellationToken cancellationToken)
        => (await AskAsync("runs/create", $$"""{"experiment_id":"{{experiment}}","start_time":1700000000000}""", cancellationToken))
            .GetProperty("run").GetProperty("info").GetProperty("run_id").GetString()!;

    /// <summary>Runs with 20 metrics, 5 params and 2 tags each.</summary>
    public async Task<string> CreateSearchedRunsAsync(int count, CancellationToken cancellationToken)
    {
        var experiment = await CreateExperimentAsync(cancellationToken);
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = cancellationToken }, async (i, token) =>
        {
            var run = await CreateRunAsync(experiment, token);
            var metrics = string.Join(',', Enumerable.Range(0, 20).Select(m => FormattableString.Invariant($"{{\"key\":\"m{m}\",\"value\":{((i * 37) + (m * 11)) % 1000 / 1000.0},\"timestamp\":{1_700_000_000_000 + i},\"step\":1}}")));
            var parameters = string.Join(',', Enumerable.Range(0, 5).Select(p => $"{{\"key\":\"p{p}\",\"value\":\"{i % 10}\"}}"));
            await PostAsync("runs/log-batch", $"{{\"run_id\":\"{run}\",\"metrics\":[{metrics}],\"params\":[{parameters}],\"tags\":[{{\"key\":\"a\",\"value\":\"{i % 7}\"}}]}}", token);
        });
        return experiment;
    }

    /// <summary>Logs one curve of so many points, a thousand in a request.</summary>
    public async Task LogCurveAsync(string run, int points, CancellationToken cancellationToken)
    {
        for (var first = 0; first < points; first += 1_000)
        {
            await PostAsync("runs/log-batch", Curve(run, first), cancellationToken);
        }
    }

    public void Dispose() => _http.Dispose();

    // A loss with noise: what compresses too well would say nothing.
    private static string Curve(string run, int first)
    {
        var text = new StringBuilder(96_000).Append("{\"run_id\":\"").Append(run).Append("\",\"metrics\":[");
        for (var i = first; i < first + 1_000; i++)
        {
            var noise = ((i * 2_654_435_761L) & 0xffff) / 655_360.0;
            text.Append(i == first ? "" : ",").Append(CultureInfo.InvariantCulture, $"{{\"key\":\"curve\",\"value\":{(float)((2.0 / (1 + (i * 0.001))) + noise)},\"timestamp\":{1_700_000_000_000 + (i * 251L) + (i % 7)},\"step\":{i}}}");
        }

        return text.Append("]}").ToString();
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string body, CancellationToken cancellationToken)
    {
        var response = await _http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), cancellationToken);
        return response.IsSuccessStatusCode
            ? response
            : throw new HttpRequestException($"{path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
    }
}
