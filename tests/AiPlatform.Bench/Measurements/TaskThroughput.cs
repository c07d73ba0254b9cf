using System.Diagnostics;
using AiPlatform.Bench.Platform;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// The task queue with the handler <c>noop</c>: from bulk submission to all ended, one by one over HTTP, latency at low load, and the
/// rate again with a million tasks queued. Targets: 1,500/s, 300/s, p50 under 15 ms and p99 under 60 ms, within 20 %.
/// </summary>
internal static class TaskThroughput
{
    private const string Pool = "default";
    private const int Bulk = 10_000;
    private const int Drained = 20_000;
    private const int Single = 3_000;
    private const int Concurrency = 16;
    private const int Spaced = 500;
    private const int Chain = 500;

    /// <summary>Runs everything; the million is left out when AIPLATFORM_BENCH_QUEUED says another number.</summary>
    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var project = $"bench-{Guid.NewGuid():N}"[..30];
        var waiting = $"bench-{Guid.NewGuid():N}"[..30];
        await platform.Api.CreateProjectAsync(new CreateProjectRequest(project), cancellationToken);
        await platform.Api.CreateProjectAsync(new CreateProjectRequest(waiting), cancellationToken);
        await DrainAsync(platform, project, 5_000, cancellationToken); // warm
        var empty = await DrainAsync(platform, project, Drained, cancellationToken);
        var single = await SubmitOneByOneAsync(platform, project, cancellationToken);
        var latency = await LatencyAsync(platform, project, cancellationToken);
        var chain = await ChainAsync(platform, project, cancellationToken);

        var queued = int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_BENCH_QUEUED"), out var wanted) ? wanted : 1_000_000;
        var memoryBefore = Memory(platform);
        await platform.Api.PauseQueueAsync(waiting, Pool, cancellationToken);
        var fill = Stopwatch.StartNew();
        for (var i = 0; i < queued; i += Bulk)
        {
            await SubmitAsync(platform, waiting, Bulk, cancellationToken);
        }

        var filled = fill.Elapsed;
        var full = await DrainAsync(platform, project, Drained, cancellationToken);
        return new
        {
            drainedTasksPerSecond = empty,
            targetTasksPerSecond = 1_500,
            submittedOneByOne = single,
            targetSubmittedPerSecond = 300,
            submitToStartMilliseconds = latency,
            targetP50Milliseconds = 15,
            targetP99Milliseconds = 60,
            chainStepMilliseconds = chain,
            targetChainStepMilliseconds = 8,
            queuedTasks = queued,
            queuedPerSecond = Math.Round(queued / filled.TotalSeconds),
            drainedTasksPerSecondWhileQueued = full,
            rateWhileQueuedInPercent = Math.Round(100 * full / empty),
            residentMegabytesBefore = memoryBefore,
            residentMegabytesAfter = Memory(platform),
        };
    }

    private static async Task<double> DrainAsync(PlatformProcess platform, string project, int count, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < count; i += Bulk)
        {
            await SubmitAsync(platform, project, Math.Min(Bulk, count - i), cancellationToken);
        }

        await UntilEmptyAsync(platform, project, cancellationToken);
        return Math.Round(count / clock.Elapsed.TotalSeconds);
    }

    private static Task<SubmittedTasks> SubmitAsync(PlatformProcess platform, string project, int count, CancellationToken cancellationToken)
        => platform.Api.SubmitTasksAsync(project, Pool, new SubmitTasksRequest([.. Enumerable.Repeat(new SubmitTaskRequest(TaskHandlers.Noop), count)]), cancellationToken);

    private static async Task UntilEmptyAsync(PlatformProcess platform, string project, CancellationToken cancellationToken)
    {
        while ((await platform.Api.GetQueueAsync(project, Pool, cancellationToken)).Counts.Count > 0)
        {
            await Task.Delay(50, cancellationToken);
        }
    }

    private static async Task<object> SubmitOneByOneAsync(PlatformProcess platform, string project, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Single),
            new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken },
            async (_, token) => await platform.Api.SubmitTaskAsync(project, Pool, new SubmitTaskRequest(TaskHandlers.Noop), token));
        var submitted = Math.Round(Single / clock.Elapsed.TotalSeconds);
        await UntilEmptyAsync(platform, project, cancellationToken);
        return new { connections = Concurrency, submittedPerSecond = submitted, endedPerSecond = Math.Round(Single / clock.Elapsed.TotalSeconds) };
    }

    private static async Task<Percentiles> LatencyAsync(PlatformProcess platform, string project, CancellationToken cancellationToken)
    {
        var times = new List<double>(Spaced);
        for (var i = 0; i < Spaced; i++)
        {
            var task = await platform.Api.SubmitTaskAsync(project, Pool, new SubmitTaskRequest(TaskHandlers.Noop, Priority: JobPriority.High), cancellationToken);
            await Task.Delay(20, cancellationToken);
            while ((task = await platform.Api.GetQueueTaskAsync(project, Pool, task.Id, cancellationToken)).StartedAt is null)
            {
                await Task.Delay(5, cancellationToken);
            }

            times.Add((task.StartedAt.Value - task.CreatedAt).TotalMilliseconds);
        }

        return Percentiles.Of(times);
    }

    // Tasks of which each waits for the one before it.
    private static async Task<double> ChainAsync(PlatformProcess platform, string project, CancellationToken cancellationToken)
    {
        var steps = Enumerable.Range(0, Chain)
            .Select(i => new SubmitTaskRequest(TaskHandlers.Noop, Ref: $"s{i}", DependsOn: i == 0 ? null : new TaskDependencies([$"s{i - 1}"]))).ToList();
        var ids = (await platform.Api.SubmitTasksAsync(project, Pool, new SubmitTasksRequest(steps), cancellationToken)).Tasks;
        await UntilEmptyAsync(platform, project, cancellationToken);
        var (first, last) = (await platform.Api.GetQueueTaskAsync(project, Pool, ids[0].Id, cancellationToken), await platform.Api.GetQueueTaskAsync(project, Pool, ids[^1].Id, cancellationToken));
        return Math.Round((last.EndedAt - first.StartedAt)!.Value.TotalMilliseconds / Chain, 1);
    }

    private static Dictionary<string, long> Memory(PlatformProcess platform)
        => ((string[])["functions", "orchestrations", "servicebus"]).ToDictionary(name => name, name => ProcFileSystem.Memory(platform.ProcessId(name)).Rss >> 20);
}
