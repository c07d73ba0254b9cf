using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Client;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>
/// Hub, worker and PostgreSQL are killed in turn under load: every orchestration ends once, with the right output, and each activity's
/// result is applied once. <c>AIPLATFORM_CHAOS_SECONDS</c> sets the length.
/// </summary>
public sealed class ChaosTests
{
    private const int Lanes = 16;

    [Fact]
    public async Task Every_orchestration_ends_once_and_right_whatever_is_killed()
    {
        var length = TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_CHAOS_SECONDS"), out var seconds) ? seconds : 20);
        var directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-hub-{Guid.NewGuid():N}"));
        await using var server = await PostgresServer.StartAsync(Path.Combine(directory.FullName, "postgres"), 0, "test", CancellationToken.None);
        await using var hub = new HubHarness(server.ConnectionString("taskhub"));
        await hub.StartProcessAsync();
        await hub.StartWorkerAsync(SampleTasks.Register);
        var activities = Conformance.Start("durabletask.worker.mjs", hub.GrpcPort);
        var clock = Stopwatch.StartNew();
        var ended = new ConcurrentBag<(int Value, OrchestrationMetadata Instance)>();
        var load = Enumerable.Range(0, Lanes).Select(async lane =>
        {
            for (var run = 0; clock.Elapsed < length; run++)
            {
                var value = (lane * 100_000) + run;
                var id = $"chaos-{value}";
                await PersistAsync(async () =>
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
                ended.Add((value, await PersistAsync(() => hub.EndAsync(id))));
            }
        }).ToArray();
        for (var kill = 0; clock.Elapsed < length; kill++)
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            switch (kill % 3)
            {
                case 0:
                    await hub.KillProcessAsync();
                    await hub.StartProcessAsync();
                    break;
                case 1:
                    activities.Kill(entireProcessTree: true);
                    await activities.WaitForExitAsync();
                    activities.Dispose();
                    activities = Conformance.Start("durabletask.worker.mjs", hub.GrpcPort);
                    break;
                default:
                    await server.KillAsync();
                    await server.RestartAsync(CancellationToken.None);
                    break;
            }
        }

        await Task.WhenAll(load);
        activities.Kill(entireProcessTree: true);
        await activities.WaitForExitAsync();
        activities.Dispose();
        Assert.NotEmpty(ended);
        foreach (var (value, instance) in ended)
        {
            Assert.True(instance.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{instance.InstanceId} {instance.RuntimeStatus}: {instance.FailureDetails}");
            Assert.Equal(value + 5, instance.ReadOutputAs<int>());
            var history = await PersistAsync(() => hub.Client.GetOrchestrationHistoryAsync(instance.InstanceId));
            Assert.Equal(5, history.Count(item => item.EventType == "TaskCompleted"));
            Assert.Single(history, item => item.EventType == "ExecutionCompleted");
        }
    }

    /// <summary>Repeats a call while the hub is away.</summary>
    private static async Task<T> PersistAsync<T>(Func<Task<T>> call)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Grpc.Core.RpcException exception) when (!patience.IsCancellationRequested
                && exception.StatusCode is Grpc.Core.StatusCode.Unavailable or Grpc.Core.StatusCode.Internal or Grpc.Core.StatusCode.Unknown)
            {
                await Task.Delay(50);
            }
        }
    }
}
