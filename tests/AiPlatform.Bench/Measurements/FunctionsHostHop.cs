using System.Diagnostics;
using AiPlatform.Bench.Platform;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// What the Functions host costs: the same small GET to the app itself and through the host, in turns; and how long after its end the app
/// answers again, which is the worker's cold start. Target: under 2 s.
/// </summary>
internal static class FunctionsHostHop
{
    private const int Rounds = 3;
    private const int Connections = 16;
    private const int ColdStarts = 3;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(4);

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        const string project = "bench-hop";
        await platform.Api.CreateProjectAsync(new CreateProjectRequest(project), cancellationToken);
        var token = await platform.Tokens.GetTokenAsync(null, cancellationToken) ?? string.Empty;
        Uri[] servers = [platform.ApiUrl, new(platform.Endpoints.GetProperty("functionsHost").GetString()!)];
        var results = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var (path, connections) in ((string, int)[])[("/version", Connections), ("/version", 1), ($"/v1/projects/{project}", Connections), ($"/v1/projects/{project}", 1)])
        {
            var rates = servers.ToDictionary(static server => server, static _ => new List<LoadResult>());

            // The first round is for warming up.
            for (var round = 0; round <= Rounds; round++)
            {
                foreach (var server in servers)
                {
                    var result = await LoadAsync(platform, server, path, connections, token, cancellationToken);
                    if (round > 0)
                    {
                        rates[server].Add(result);
                    }
                }
            }

            results[$"{path} x{connections}"] = new { direct = rates[servers[0]], throughHost = rates[servers[1]] };
        }

        results["coldStartMilliseconds"] = await ColdStartAsync(platform, servers[1], cancellationToken);
        return results;
    }

    private static async Task<LoadResult> LoadAsync(
        PlatformProcess platform, Uri server, string path, int connections, string token, CancellationToken cancellationToken)
    {
        var before = ProcessUse.Of(platform);
        using var own = Process.GetCurrentProcess();
        var (generator, clock) = (own.TotalProcessorTime, Stopwatch.StartNew());
        var times = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => ConnectionAsync(server, path, token, clock, cancellationToken)));
        var seconds = clock.Elapsed.TotalSeconds;
        own.Refresh();
        var count = times.Sum(static list => list.Count);
        var use = ProcessUse.Of(platform).Since(before).Where(static process => process.Processor > 0.02)
            .ToDictionary(static process => process.Name, process => Math.Round(process.Processor * 1000 / count, 4));
        use["generator"] = Math.Round((own.TotalProcessorTime - generator).TotalMilliseconds / count, 4);
        return new LoadResult(connections, Math.Round(count / seconds), Percentiles.Of(times.SelectMany(static list => list)), use);
    }

    private static async Task<List<double>> ConnectionAsync(Uri server, string path, string token, Stopwatch clock, CancellationToken cancellationToken)
    {
        using var connection = await LoadConnection.OpenAsync(server, token, cancellationToken);
        var times = new List<double>();
        while (clock.Elapsed < Length)
        {
            var begin = Stopwatch.GetTimestamp();
            await connection.GetAsync(path);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        return times;
    }

    // The host starts a killed worker again; a request that comes meanwhile waits for it.
    private static async Task<List<double>> ColdStartAsync(PlatformProcess platform, Uri host, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = host };
        var times = new List<double>();
        for (var i = 0; i < ColdStarts; i++)
        {
            using (var worker = Process.GetProcessById(platform.CurrentProcessId("functions")))
            {
                worker.Kill();
                await worker.WaitForExitAsync(cancellationToken);
            }

            var clock = Stopwatch.StartNew();
            while (true)
            {
                using var answer = await http.GetAsync(new Uri("/version", UriKind.Relative), cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    break;
                }
            }

            times.Add(Math.Round(clock.Elapsed.TotalMilliseconds));
            await Task.Delay(TimeSpan.FromSeconds(5), cancellationToken);
        }

        return times;
    }
}
