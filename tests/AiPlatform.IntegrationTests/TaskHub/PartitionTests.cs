using System.Globalization;
using AiPlatform.IntegrationTests.Servers;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Several processes of the hub share a database.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class PartitionTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Processes_share_the_partitions_serve_each_others_calls_and_take_over_from_a_killed_one()
    {
        var database = await postgres.CreateDatabaseAsync("taskhub");
        await using var first = new HubHarness(database);
        await using var second = new HubHarness(database);
        await first.StartProcessAsync();
        var early = await first.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await second.StartHubAsync();
        await Eventually.TrueAsync(async () => await OwnedAsync(first) == 8 && await OwnedAsync(second) == 8, "each has its share", TimeSpan.FromSeconds(20));

        // The only worker is the second's; the first's work reaches it through the second.
        await second.StartWorkerAsync(SampleTasks.Register);
        var runs = await Task.WhenAll(Enumerable.Range(0, 20).Select(value => first.RunAsync("Parent", value % 4)));
        Assert.All(runs, run => Assert.True(run.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{run.RuntimeStatus}: {run.FailureDetails}"));
        Assert.Equal([5, 6, 7], runs[3].ReadOutputAs<int[]>()!);

        // Events, termination of children, purge and rewriting of ids work whoever owns what.
        var waiting = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => second.Client.ScheduleNewOrchestrationInstanceAsync("Waits")));
        Assert.All(await Task.WhenAll(waiting.Select(target => first.RunAsync("Sends", target))), sent => Assert.Equal("done", sent.ReadOutputAs<string>()));
        Assert.All(await Task.WhenAll(waiting.Select(second.EndAsync)), ended => Assert.Equal("sent", ended.ReadOutputAs<string>()));
        for (var index = 0; index < 4; index++)
        {
            var parent = await first.Client.ScheduleNewOrchestrationInstanceAsync("WaitingParent", $"child-{index}");
            await Eventually.TrueAsync(async () => await second.Client.GetInstanceAsync($"child-{index}") is { IsRunning: true }, "the child runs");
            await second.Client.TerminateInstanceAsync(parent, new TerminateInstanceOptions(null, Recursive: true));
            Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await first.EndAsync($"child-{index}")).RuntimeStatus);
            Assert.Equal(2, (await first.Client.PurgeInstanceAsync(parent, new PurgeInstanceOptions(Recursive: true))).PurgedInstanceCount);
        }

        // What the first owned goes on in the second.
        var left = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => first.Client.ScheduleNewOrchestrationInstanceAsync("Waits")));
        await first.KillProcessAsync();
        await Eventually.TrueAsync(async () => await OwnedAsync(second) == 16, "the second has taken over", TimeSpan.FromSeconds(20));
        foreach (var id in left.Append(early))
        {
            await second.Client.RaiseEventAsync(id, "go", "on");
            Assert.Equal("on", (await second.EndAsync(id)).ReadOutputAs<string>());
        }
    }

    [Fact]
    public async Task Entities_and_their_callers_may_be_of_different_processes()
    {
        var database = await postgres.CreateDatabaseAsync("taskhub");
        await using var first = new HubHarness(database);
        await using var second = new HubHarness(database);
        await first.StartProcessAsync();
        await second.StartHubAsync();
        await Eventually.TrueAsync(async () => await OwnedAsync(first) == 8 && await OwnedAsync(second) == 8, "each has its share", TimeSpan.FromSeconds(20));
        await using var worker = RawWorker.Start(first.GrpcPort, EntityTests.AnswerAsync);
        var stub = RawWorker.Client(second.GrpcPort);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async index =>
        {
            await stub.StartInstanceAsync(new() { InstanceId = $"transfer-{index}", Name = "Transfers", Input = "1" });
            return await stub.WaitForInstanceCompletionAsync(new() { InstanceId = $"transfer-{index}" }, deadline: DateTime.UtcNow.AddSeconds(30));
        }));
        foreach (var (id, state) in (ReadOnlySpan<(string, string)>)[("@counter@from", "-8"), ("@counter@to", "8")])
        {
            Assert.Equal(state, stub.GetEntity(new() { InstanceId = id, IncludeState = true }).Entity.SerializedState);
        }
    }

    private static async Task<int> OwnedAsync(HubHarness hub)
    {
        var line = (await hub.GetAsync("/metrics")).Split('\n').FirstOrDefault(text => text.StartsWith("taskhub_owned_partitions ", StringComparison.Ordinal));
        return line is null ? 0 : int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
