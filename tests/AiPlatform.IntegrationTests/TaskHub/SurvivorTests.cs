using AiPlatform.IntegrationTests.Servers;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Activities that a worker still runs when its hub is restarted, or replaced.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class SurvivorTests(PostgresFixture postgres)
{
    private readonly SlowActivity _slow = new();

    [Fact]
    public async Task A_restarted_hub_delivers_running_activities_again_and_takes_the_first_result()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await StartWorkerAsync(hub);
        var ids = await StartAsync(hub, 5);
        await hub.StopHubAsync();
        await hub.StartHubAsync();
        await Eventually.TrueAsync(() => Task.FromResult(_slow.Runs == 2 * ids.Count), "all run again");
        _slow.Release();
        foreach (var id in ids)
        {
            Assert.Equal("done", (await hub.EndAsync(id)).ReadOutputAs<string>());
            Assert.Single(await hub.HistoryAsync(id), static item => item.EventType == "TaskCompleted");
        }
    }

    [Fact]
    public async Task A_process_that_takes_over_knows_what_its_workers_run_for_the_one_that_is_gone()
    {
        var database = await postgres.CreateDatabaseAsync("taskhub");
        await using var first = new HubHarness(database);
        await using var second = new HubHarness(database);
        await first.StartProcessAsync();
        await second.StartHubAsync("--TaskHub:ActivityLeaseGrace=00:00:00");
        await Eventually.TrueAsync(() => Task.FromResult(second.Engine.Partitions.Owned.Length == 8), "each has its share");
        await StartWorkerAsync(second);
        var ids = await StartAsync(second, 12);
        await first.KillProcessAsync();
        await Eventually.TrueAsync(() => Task.FromResult(second.Engine.Partitions.Owned.Length == 16), "the second has taken over");
        _slow.Release();
        foreach (var id in ids)
        {
            Assert.Equal("done", (await second.EndAsync(id)).ReadOutputAs<string>());
        }

        Assert.Equal(ids.Count, _slow.Runs);
    }

    private Task<IHost> StartWorkerAsync(HubHarness hub) => hub.StartWorkerAsync(registry => registry
        .AddOrchestratorFunc<string, string>("CallsSlow", async (context, _) => await context.CallActivityAsync<string>("Slow"))
        .AddActivityFunc<string, string>("Slow", async (_, _) => await _slow.RunAsync()));

    /// <summary>Starts orchestrations whose activities are then all running.</summary>
    private async Task<List<string>> StartAsync(HubHarness hub, int count)
    {
        var ids = new List<string>();
        for (var index = 0; index < count; index++)
        {
            ids.Add(await hub.Client.ScheduleNewOrchestrationInstanceAsync("CallsSlow"));
        }

        await Eventually.TrueAsync(() => Task.FromResult(_slow.Runs == count), "all activities run");
        return ids;
    }

    private sealed class SlowActivity
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _runs;

        public int Runs => Volatile.Read(ref _runs);

        public void Release() => _released.SetResult();

        public async Task<string> RunAsync()
        {
            Interlocked.Increment(ref _runs);
            await _released.Task;
            return "done";
        }
    }
}
