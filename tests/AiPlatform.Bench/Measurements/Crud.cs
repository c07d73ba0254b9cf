using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.Bench.Platform;
using AiPlatform.Client;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Bench.Measurements;

/// <summary>100 clients that create, read and list without a pause. Target: p95 under 50 ms.</summary>
internal static class Crud
{
    private const int Clients = 100;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var times = new ConcurrentDictionary<string, ConcurrentQueue<double>>(StringComparer.Ordinal);
        var clock = Stopwatch.StartNew();
        var processes = platform.ProcessTree().Append(Environment.ProcessId).ToList();
        var before = processes.ToDictionary(id => id, ProcFileSystem.Processor);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => ClientAsync(platform.Api, client, times, clock, cancellationToken)));
        return new
        {
            clients = Clients,
            requestsPerSecond = Math.Round(times.Values.Sum(queue => queue.Count) / Duration.TotalSeconds),
            all = Percentiles.Of(times.Values.SelectMany(queue => queue)),
            processorShares = Shares(processes, before, clock.Elapsed),
            byOperation = times.ToDictionary(pair => pair.Key, pair => Percentiles.Of(pair.Value)),
            targetP95Milliseconds = 50,
        };
    }

    // Processors that each program used on average, this load generator among them: it takes from the same ones.
    private static Dictionary<string, double> Shares(IEnumerable<int> processes, Dictionary<int, (string Name, double Seconds)> before, TimeSpan elapsed)
        => processes
            .Select(id => (before[id].Name, Seconds: ProcFileSystem.Processor(id).Seconds - before[id].Seconds))
            .GroupBy(process => process.Name, process => process.Seconds)
            .ToDictionary(group => group.Key, group => Math.Round(group.Sum() / elapsed.TotalSeconds, 2))
            .Where(share => share.Value >= 0.01)
            .OrderByDescending(share => share.Value)
            .ToDictionary();

    private static async Task ClientAsync(
        AiPlatformClient api, int client, ConcurrentDictionary<string, ConcurrentQueue<double>> times, Stopwatch clock, CancellationToken cancellationToken)
    {
        var name = $"bench-{client}-{Guid.NewGuid():N}"[..40];
        await api.CreateProjectAsync(new CreateProjectRequest(name), cancellationToken);
        for (var i = 0; clock.Elapsed < WarmUp + Duration; i++)
        {
            await TimeAsync("createExperiment", () => api.CreateExperimentAsync(name, new CreateExperimentRequest($"e-{i}"), cancellationToken));
            await TimeAsync("getProject", () => api.GetProjectAsync(name, cancellationToken));
            await TimeAsync("createRun", () => api.CreateRunAsync(name, $"e-{i}", new CreateRunRequest(), cancellationToken));
            await TimeAsync("listProjects", () => api.ListProjectsAsync(20, null, cancellationToken));
        }

        async Task TimeAsync(string operation, Func<Task> call)
        {
            var begin = Stopwatch.GetTimestamp();
            await call();
            if (clock.Elapsed > WarmUp)
            {
                times.GetOrAdd(operation, static _ => new ConcurrentQueue<double>()).Enqueue(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
        }
    }
}
