using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Microsoft's client and worker against our hub on a real PostgreSQL.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class OrchestrationTests(PostgresFixture postgres) : IAsyncLifetime
{
    private HubHarness _hub = null!;

    private DurableTaskClient Client => _hub.Client;

    public async Task InitializeAsync()
    {
        _hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await _hub.StartWorkerAsync(SampleTasks.Register);
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    [Fact]
    public async Task Activities_run_in_sequence_and_at_once()
    {
        Assert.Equal(6, Completed(await _hub.RunAsync("Sequence", 1)).ReadOutputAs<int>());
        Assert.Equal(500_500, Completed(await _hub.RunAsync("FanOut", 1000)).ReadOutputAs<long>());
    }

    [Fact]
    public async Task A_worker_that_keeps_no_orchestrators_replays_them()
    {
        await using var other = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await other.StartWorkerAsync(SampleTasks.Register);
        Assert.Equal(6, Completed(await other.RunAsync("Sequence", 1)).ReadOutputAs<int>());
        Assert.Equal(20_100, Completed(await other.RunAsync("FanOut", 200)).ReadOutputAs<long>());
        Assert.Equal(new[] { 5, 6 }, Completed(await other.RunAsync("Parent", 2)).ReadOutputAs<int[]>());
    }

    [Fact]
    public async Task A_timer_does_not_fire_early()
        => Assert.InRange(Completed(await _hub.RunAsync("Sleeps", 250)).ReadOutputAs<double>(), 250, 20_000);

    [Fact]
    public async Task An_event_ends_a_wait_and_a_time_out_ends_it_otherwise()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("WaitsAtMost", 60_000.0);
        await Client.RaiseEventAsync(id, "GO", "in time");
        Assert.Equal("in time", Completed(await _hub.EndAsync(id)).ReadOutputAs<string>());
        Assert.Equal("timed out", Completed(await _hub.RunAsync("WaitsAtMost", 50.0)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Sub_orchestrations_return_their_results_and_know_their_parent()
    {
        var parent = Completed(await _hub.RunAsync("Parent", 3));
        Assert.Equal(new[] { 5, 6, 7 }, parent.ReadOutputAs<int[]>());
        var all = (await _hub.Connection.Protocol.QueryInstancesAsync(new() { Query = new() })).OrchestrationState;
        var children = all.Count(item => item.ParentInstanceId == parent.InstanceId);
        Assert.Equal(3, children);
    }

    [Fact]
    public async Task A_failure_is_caught_by_type_or_fails_the_orchestration()
    {
        Assert.Equal("caught", Completed(await _hub.RunAsync("Catches", "caught")).ReadOutputAs<string>());
        var failed = await _hub.RunAsync("DoesNotCatch", "uncaught");
        Assert.Equal(OrchestrationRuntimeStatus.Failed, failed.RuntimeStatus);
        Assert.Equal(typeof(TaskFailedException).FullName, failed.FailureDetails!.ErrorType);
        Assert.Equal("uncaught", failed.FailureDetails.InnerFailure!.ErrorMessage);
    }

    [Fact]
    public async Task Names_that_nobody_registered_fail()
    {
        Assert.Equal("OrchestratorTaskNotFound", (await _hub.RunAsync("Nobody")).FailureDetails!.ErrorType);
        await _hub.StartWorkerAsync(
            registry => registry.AddOrchestratorFunc<string, string>("CallsNobody", async (context, _) => await context.CallActivityAsync<string>("Nobody")),
            hub: "other");
        var other = _hub.CreateClient("other");
        var id = await other.ScheduleNewOrchestrationInstanceAsync("CallsNobody");
        Assert.Equal("ActivityTaskNotFound", (await other.WaitForInstanceCompletionAsync(id, true, CancellationToken.None)).FailureDetails!.InnerFailure!.ErrorType);
    }

    [Fact]
    public async Task Hubs_of_different_names_do_not_see_each_other()
    {
        var id = (await _hub.RunAsync("Sequence", 1)).InstanceId;
        Assert.NotNull(await Client.GetInstanceAsync(id));
        Assert.Null(await _hub.CreateClient("another").GetInstanceAsync(id));
    }

    [Fact]
    public async Task A_failing_activity_is_retried_as_the_policy_says()
    {
        var attempts = new ConcurrentDictionary<string, int>();
        await _hub.StartWorkerAsync(
            registry => registry
                .AddActivityFunc<string, int>("Flaky", (_, key) => attempts.AddOrUpdate(key, 1, (_, count) => count + 1) is var count && count < 3
                    ? throw new TimeoutException("not yet")
                    : count)
                .AddOrchestratorFunc<int, int>("Retries", async (context, maximum) => await context.CallActivityAsync<int>(
                    "Flaky", context.InstanceId, TaskOptions.FromRetryPolicy(new RetryPolicy(maximum, TimeSpan.FromMilliseconds(20), 2))))
                .AddOrchestratorFunc<string, int>("RetriesByHandler", async (context, _) => await context.CallActivityAsync<int>(
                    "Flaky", context.InstanceId, TaskOptions.FromRetryHandler(retry => retry.LastFailure.IsCausedBy<TimeoutException>()))),
            hub: "retries");
        var client = _hub.CreateClient("retries");

        async Task<OrchestrationMetadata> RunAsync(string name, object input)
            => await client.WaitForInstanceCompletionAsync(await client.ScheduleNewOrchestrationInstanceAsync(name, input), true);

        Assert.Equal(3, Completed(await RunAsync("Retries", 3)).ReadOutputAs<int>());
        Assert.Equal(3, Completed(await RunAsync("RetriesByHandler", "")).ReadOutputAs<int>());
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync("Retries", 2)).RuntimeStatus);
    }

    [Fact]
    public async Task Continue_as_new_carries_events_over_and_keeps_the_history_short()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Collector", new SampleTasks.Collected(20, 0));
        for (var value = 1; value <= 20; value++)
        {
            await Client.RaiseEventAsync(id, "add", value);
        }

        Assert.Equal(210, Completed(await _hub.EndAsync(id)).ReadOutputAs<int>());
        Assert.InRange((await _hub.HistoryAsync(id)).Count, 3, 12);
    }

    [Fact]
    public async Task Terminate_ends_an_instance_and_its_children_without_a_worker()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("WaitingParent", "the-child");
        await Eventually.TrueAsync(async () => await Client.GetInstanceAsync("the-child") is { IsRunning: true }, "the child runs");
        await Client.TerminateInstanceAsync(id, new TerminateInstanceOptions("enough", Recursive: true));
        var ended = await _hub.EndAsync(id);
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, ended.RuntimeStatus);
        Assert.Equal("enough", ended.ReadOutputAs<string>());
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await _hub.EndAsync("the-child")).RuntimeStatus);

        await Client.TerminateInstanceAsync(id, "again");
        Assert.Equal("enough", (await Client.GetInstanceAsync(id, true))!.ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_terminated_child_fails_its_parents_call()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("WaitingParent", "lonely-child");
        await Eventually.TrueAsync(async () => await Client.GetInstanceAsync("lonely-child") is { IsRunning: true }, "the child runs");
        await Client.TerminateInstanceAsync("lonely-child");
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await _hub.EndAsync(id)).RuntimeStatus);
    }

    [Fact]
    public async Task A_child_id_that_is_in_use_fails_the_call()
    {
        var first = await Client.ScheduleNewOrchestrationInstanceAsync("WaitingParent", "shared-child");
        await Eventually.TrueAsync(async () => await Client.GetInstanceAsync("shared-child") is { IsRunning: true }, "the child runs");
        var second = await _hub.RunAsync("WaitingParent", "shared-child");
        Assert.Equal("OrchestrationAlreadyExists", second.FailureDetails!.InnerFailure!.ErrorType);
        await Client.RaiseEventAsync("shared-child", "go", "first");
        Assert.Equal("first", Completed(await _hub.EndAsync(first)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_suspended_instance_keeps_what_comes_until_it_is_resumed()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await Client.WaitForInstanceStartAsync(id);
        await Client.SuspendInstanceAsync(id, "a pause");
        await Client.RaiseEventAsync(id, "go", "later");
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await Client.GetInstanceAsync(id))!.RuntimeStatus);
        await Client.ResumeInstanceAsync(id);
        Assert.Equal("later", Completed(await _hub.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Custom_status_changes_while_the_instance_runs()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Reports");
        await Eventually.TrueAsync(async () => (await Client.GetInstanceAsync(id, true))!.SerializedCustomStatus == """{"phase":"waiting"}""", "the status shows");
        await Client.RaiseEventAsync(id, "go", "now");
        var ended = Completed(await _hub.EndAsync(id));
        Assert.Equal("""{"phase":"over"}""", ended.SerializedCustomStatus);
        Assert.True(Guid.TryParse(ended.ReadOutputAs<string>(), out _));
    }

    [Fact]
    public async Task An_orchestrator_sends_an_event_to_another()
    {
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        Completed(await _hub.RunAsync("Sends", id));
        Assert.Equal("sent", Completed(await _hub.EndAsync(id)).ReadOutputAs<string>());
        Completed(await _hub.RunAsync("Sends", "nobody"));
    }

    private static OrchestrationMetadata Completed(OrchestrationMetadata metadata)
    {
        Assert.True(metadata.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{metadata.RuntimeStatus}: {metadata.FailureDetails}");
        return metadata;
    }
}
