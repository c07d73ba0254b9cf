using System.Diagnostics;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Servers;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>What was acknowledged survives the end of the hub, of workers and of PostgreSQL, and is done once.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class RecoveryTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Everything_pending_survives_a_kill_of_the_hub()
    {
        await using var hub = new HubHarness(await postgres.CreateDatabaseAsync("taskhub"));
        await hub.StartProcessAsync();
        var worker = await hub.StartWorkerAsync(SampleTasks.Register);
        var waits = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        var sleeps = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Sleeps", 1500.0);
        var parent = await hub.Client.ScheduleNewOrchestrationInstanceAsync("WaitingParent", "child-of-crash");
        var collector = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Collector", new SampleTasks.Collected(3, 0));
        var suspended = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await hub.Client.RaiseEventAsync(collector, "add", 1);
        await hub.Client.SuspendInstanceAsync(suspended);
        await hub.Client.RaiseEventAsync(suspended, "go", "kept");
        await Eventually.TrueAsync(async () => await hub.Client.GetInstanceAsync("child-of-crash") is { IsRunning: true }, "the child runs");
        var later = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 1, new StartOrchestrationOptions(StartAt: DateTimeOffset.UtcNow.AddSeconds(1)));

        // With no worker, an acknowledged start and event are all there is.
        await worker.StopAsync();
        var unstarted = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 10);
        await hub.Client.RaiseEventAsync(waits, "go", "before the crash");
        await hub.KillProcessAsync();
        await hub.StartProcessAsync();
        await hub.StartWorkerAsync(SampleTasks.Register);

        Assert.Equal("before the crash", (await hub.EndAsync(waits)).ReadOutputAs<string>());
        Assert.Equal(15, (await hub.EndAsync(unstarted)).ReadOutputAs<int>());
        Assert.Equal(6, (await hub.EndAsync(later)).ReadOutputAs<int>());
        Assert.True((await hub.EndAsync(sleeps)).ReadOutputAs<double>() >= 1500);
        await hub.Client.RaiseEventAsync("child-of-crash", "go", "after the crash");
        Assert.Equal("after the crash", (await hub.EndAsync(parent)).ReadOutputAs<string>());
        await hub.Client.RaiseEventAsync(collector, "add", 2);
        await hub.Client.RaiseEventAsync(collector, "add", 3);
        Assert.Equal(6, (await hub.EndAsync(collector)).ReadOutputAs<int>());
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await hub.Client.GetInstanceAsync(suspended))!.RuntimeStatus);
        await hub.Client.ResumeInstanceAsync(suspended);
        Assert.Equal("kept", (await hub.EndAsync(suspended)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Orchestrations_under_load_end_once_and_right_while_the_hub_is_killed_again_and_again()
    {
        await using var hub = new HubHarness(await postgres.CreateDatabaseAsync("taskhub"));
        await hub.StartProcessAsync();
        await hub.StartWorkerAsync(SampleTasks.Register);
        await hub.StartWorkerAsync(SampleTasks.Register);
        var runs = Enumerable.Range(0, 120).Select(async value =>
        {
            var id = await StartAsync(hub.Client, $"load-{value}", value);
            return (value, Ended: await hub.EndAsync(id));
        }).ToArray();
        for (var crash = 0; crash < 3; crash++)
        {
            await Task.Delay(400);
            await hub.KillProcessAsync();
            await hub.StartProcessAsync();
        }

        foreach (var (value, ended) in await Task.WhenAll(runs))
        {
            Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{ended.RuntimeStatus}: {ended.FailureDetails}");
            Assert.Equal(value + 5, ended.ReadOutputAs<int>());
            var history = await hub.HistoryAsync(ended.InstanceId);
            Assert.Equal(5, history.Count(item => item.EventType == "TaskCompleted"));
        }
    }

    [Fact]
    public async Task A_kill_of_PostgreSQL_delays_but_loses_nothing()
    {
        // Not a private temporary directory: PostgreSQL runs as another user and must reach it.
        var directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-hub-{Guid.NewGuid():N}"));
        await using var server = await PostgresServer.StartAsync(Path.Combine(directory.FullName, "postgres"), 0, "test", CancellationToken.None);
        await using var hub = await HubHarness.StartAsync(server.ConnectionString("taskhub"));
        await hub.StartWorkerAsync(SampleTasks.Register);
        var before = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await hub.Client.WaitForInstanceStartAsync(before);
        for (var crash = 0; crash < 2; crash++)
        {
            Process.GetProcessById(server.ProcessId).Kill();
            var during = hub.Client.ScheduleNewOrchestrationInstanceAsync("Sequence", crash);
            await server.RestartAsync(CancellationToken.None);
            Assert.Equal(crash + 5, (await hub.EndAsync(await during)).ReadOutputAs<int>());
        }

        await hub.Client.RaiseEventAsync(before, "go", "still there");
        Assert.Equal("still there", (await hub.EndAsync(before)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Work_of_a_killed_worker_goes_to_another()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await hub.StartWorkerAsync(
            registry => registry.AddOrchestratorFunc<string, string>("CallsSlow", async (context, _) => await context.CallActivityAsync<string>("Slow", "")),
            filters: true);
        using var killed = Conformance.Start("durabletask.worker.mjs", hub.GrpcPort);
        var id = await hub.Client.ScheduleNewOrchestrationInstanceAsync("CallsSlow");
        await Eventually.TrueAsync(
            async () => (await hub.HistoryAsync(id)).Any(item => item.EventType == "TaskScheduled")
                && (await hub.GetAsync("/metrics")).Contains("taskhub_waiting_activities{hub=\"default\"} 0", StringComparison.Ordinal),
            "the other worker has the activity",
            TimeSpan.FromSeconds(60));
        killed.Kill(entireProcessTree: true);
        await killed.WaitForExitAsync();
        await hub.StartWorkerAsync(
            registry => registry.AddActivityFunc<string, string>("Slow", (_, _) => "done by another"),
            filters: true);
        var ended = await hub.EndAsync(id);
        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{ended.RuntimeStatus}: {ended.FailureDetails}");
        Assert.Equal("done by another", ended.ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_clean_stop_and_start_keeps_everything()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await hub.StartWorkerAsync(SampleTasks.Register);
        var id = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await hub.Client.WaitForInstanceStartAsync(id);
        await hub.StopHubAsync();
        await hub.StartHubAsync();
        await hub.Client.RaiseEventAsync(id, "go", "again");
        Assert.Equal("again", (await hub.EndAsync(id)).ReadOutputAs<string>());
    }

    /// <summary>A start whose answer was lost is repeated: then the instance exists, and that is as good.</summary>
    private static async Task<string> StartAsync(DurableTaskClient client, string id, int value)
    {
        while (true)
        {
            try
            {
                return await client.ScheduleNewOrchestrationInstanceAsync("Sequence", value, new StartOrchestrationOptions(id));
            }
            catch (OrchestrationAlreadyExistsException)
            {
                return id;
            }
            catch (Grpc.Core.RpcException exception) when (exception.StatusCode is Grpc.Core.StatusCode.Unavailable or Grpc.Core.StatusCode.Internal)
            {
                await Task.Delay(50);
            }
        }
    }
}
