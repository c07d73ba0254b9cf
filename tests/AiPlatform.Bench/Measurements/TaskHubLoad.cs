using System.Diagnostics;
using AiPlatform.Bench.Platform;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// The task hub under load: hub, worker, client and PostgreSQL are separate processes on one machine, with gRPC between them and
/// fsync on. Targets: 1,200 orchestrations/s of five activities, 20,000 activities/s in a fan-out of 1,000, latency p50 under 10 ms
/// and p99 under 40 ms, 400 orchestrations/s with two milliseconds more per commit.
/// </summary>
internal static class TaskHubLoad
{
    private const int AtOnce = 1000;
    private const int Rounds = 5;

    public static async Task<object> MeasureAsync(CancellationToken cancellationToken)
    {
        await using var hub = await TaskHubProcesses.StartAsync(cancellationToken);
        await SequencesAsync(hub, 200, cancellationToken);
        await SequencesAsync(hub, AtOnce, cancellationToken);

        var latencies = new List<double>();
        for (var run = 0; run < 300; run++)
        {
            var clock = Stopwatch.StartNew();
            await RunAsync(hub, "Sequence", 1, cancellationToken);
            latencies.Add(clock.Elapsed.TotalMilliseconds);
        }

        var before = hub.Processor();
        var sequences = await MedianAsync(() => SequencesAsync(hub, AtOnce, cancellationToken));
        var after = hub.Processor();
        var fanOuts = await MedianAsync(() => FanOutAsync(hub, cancellationToken));

        var half = await TimedAsync(() => RunAsync(hub, "FanOut", 2500, cancellationToken));
        var whole = await TimedAsync(() => RunAsync(hub, "FanOut", 5000, cancellationToken));
        await hub.SlowCommitsAsync(cancellationToken);
        var slow = await MedianAsync(() => SequencesAsync(hub, AtOnce, cancellationToken));
        var orchestrations = (double)Rounds * AtOnce;
        return new
        {
            orchestrationsPerSecond = sequences,
            activitiesPerSecondInFanOut = fanOuts,
            oneActivityLatencyMilliseconds = Percentiles.Of(latencies.Skip(50)),
            orchestrationsPerSecondWithSlowCommits = slow,
            fanOutWithLongHistory = new { events5000Seconds = half, events10000Seconds = whole },
            processorMillisecondsPerOrchestration = new
            {
                hub = Math.Round((after.Hub - before.Hub) * 1000 / orchestrations, 3),
                worker = Math.Round((after.Worker - before.Worker) * 1000 / orchestrations, 3),
                postgres = Math.Round((after.Postgres - before.Postgres) * 1000 / orchestrations, 3),
                client = Math.Round((after.Client - before.Client) * 1000 / orchestrations, 3),
            },
        };
    }

    /// <summary>The hub's memory after every 20,000 of 100,000 finished instances.</summary>
    public static async Task<object> MeasureMemoryAsync(CancellationToken cancellationToken)
    {
        await using var hub = await TaskHubProcesses.StartAsync(cancellationToken);
        var mebibytes = new List<double>();
        for (var part = 0; part < 5; part++)
        {
            for (var group = 0; group < 20; group++)
            {
                await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => RunAsync(hub, "Sequence", 1, cancellationToken)));
            }

            mebibytes.Add(Math.Round(hub.HubMemory / (double)(1 << 20), 1));
        }

        return new { instances = 100_000, hubResidentMiBEvery20000 = mebibytes };
    }

    private static async Task<double> SequencesAsync(TaskHubProcesses hub, int count, CancellationToken cancellationToken)
        => count / await TimedAsync(() => Task.WhenAll(Enumerable.Range(0, count).Select(_ => RunAsync(hub, "Sequence", 5, cancellationToken))));

    private static async Task<double> FanOutAsync(TaskHubProcesses hub, CancellationToken cancellationToken)
        => AtOnce / await TimedAsync(() => RunAsync(hub, "FanOut", AtOnce, cancellationToken));

    private static async Task RunAsync(TaskHubProcesses hub, string name, int input, CancellationToken cancellationToken)
    {
        var id = await hub.Client.ScheduleNewOrchestrationInstanceAsync(name, input, cancellationToken);
        var ended = await hub.Client.WaitForInstanceCompletionAsync(id, true, cancellationToken);
        if (ended.RuntimeStatus != OrchestrationRuntimeStatus.Completed || ended.ReadOutputAs<int>() != input)
        {
            throw new InvalidOperationException($"{name} ended as {ended.RuntimeStatus}: {ended.FailureDetails}");
        }
    }

    private static async Task<double> TimedAsync(Func<Task> run)
    {
        var clock = Stopwatch.StartNew();
        await run();
        return Math.Round(clock.Elapsed.TotalSeconds, 4);
    }

    private static async Task<object> MedianAsync(Func<Task<double>> measure)
    {
        var runs = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            runs.Add(Math.Round(await measure()));
        }

        return new { median = runs.Order().ElementAt(Rounds / 2), runs };
    }
}
