using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.Local.Servers;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Xunit.Abstractions;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>
/// Hub, workers and PostgreSQL are killed in turn under load: every orchestration ends once, with the right output, and each activity's
/// result is applied once. <c>AIPLATFORM_CHAOS_SECONDS</c> sets the length.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int Lanes = 16;
    private const int Steps = 5;

    [Fact]
    public async Task Every_orchestration_ends_once_and_right_whatever_is_killed()
    {
        var length = TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_CHAOS_SECONDS"), out var seconds) ? seconds : 20);
        var directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-hub-{Guid.NewGuid():N}"));
        await using var server = await PostgresServer.StartAsync(Path.Combine(directory.FullName, "postgres"), 0, "test", CancellationToken.None);
        await using var hub = new HubHarness(server.ConnectionString("taskhub"));
        await hub.StartProcessAsync();
        var worker = SampleWorker.Start(hub.SchedulerConnectionString("default"));
        var activities = Conformance.Start("durabletask.worker.mjs", hub.GrpcPort);
        var clock = Stopwatch.StartNew();
        var ended = new ConcurrentBag<(int Value, OrchestrationMetadata Instance)>();
        var load = Enumerable.Range(0, Lanes).Select(async lane =>
        {
            for (var run = 0; clock.Elapsed < length; run++)
            {
                var value = (lane * 100_000) + run;
                var id = $"chaos-{value}";
                await HubHarness.PersistAsync(async () =>
                {
                    try
                    {
                        await hub.Client.ScheduleNewOrchestrationInstanceAsync("Sequence", value, new StartOrchestrationOptions(id));
                    }
                    catch (OrchestrationAlreadyExistsException)
                    {
                        // An earlier attempt was carried out, only its answer was lost.
                    }

                    return true;
                });
                ended.Add((value, await HubHarness.PersistAsync(() => hub.EndAsync(id))));
            }
        }).ToArray();
        var kills = 0;
        for (; clock.Elapsed < length; kills++)
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            switch (kills % 4)
            {
                case 0:
                    await hub.KillProcessAsync();
                    await hub.StartProcessAsync();
                    break;
                case 1:
                    await EndAsync(activities);
                    activities = Conformance.Start("durabletask.worker.mjs", hub.GrpcPort);
                    break;
                case 2:
                    await EndAsync(worker);
                    worker = SampleWorker.Start(hub.SchedulerConnectionString("default"));
                    break;
                default:
                    await server.KillAsync();
                    await server.RestartAsync(CancellationToken.None);
                    break;
            }
        }

        await Task.WhenAll(load);
        await EndAsync(activities);
        await EndAsync(worker);
        output.WriteLine($"{ended.Count} orchestrations, {kills} kills");
        Assert.NotEmpty(ended);
        foreach (var (value, instance) in ended)
        {
            var history = await HubHarness.PersistAsync(() => hub.HistoryAsync(instance.InstanceId));
            Assert.True(
                instance.RuntimeStatus == OrchestrationRuntimeStatus.Completed,
                $"{instance.InstanceId} {instance.RuntimeStatus}: {instance.FailureDetails}\n{string.Join('\n', history)}");
            Assert.Equal(value + Steps, instance.ReadOutputAs<int>());
            Assert.Equal(Enumerable.Range(value + 1, Steps).Select(result => $"{result}"), history.Where(item => item.EventType == "TaskCompleted").Select(item => item.Result));
            Assert.Single(history, item => item.EventType == "ExecutionCompleted");
        }
    }

    private static async Task EndAsync(Process process)
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
