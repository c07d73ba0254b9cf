using System.Net;
using AiPlatform.IntegrationTests.Servers;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using P = AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Starting, listing, purging and restarting instances.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class InstanceManagementTests(PostgresFixture postgres) : IAsyncLifetime
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
    public async Task An_id_is_used_once_unless_its_status_may_be_replaced()
    {
        var options = new StartOrchestrationOptions("the-id");
        await Client.ScheduleNewOrchestrationInstanceAsync("Waits", options);
        await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(() => Client.ScheduleNewOrchestrationInstanceAsync("Waits", options));
        await Client.TerminateInstanceAsync("the-id");
        await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(
            () => Client.ScheduleNewOrchestrationInstanceAsync("Waits", options with { DedupeStatuses = ["Terminated"] }));

        await Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 1, options with { DedupeStatuses = ["Completed"] });
        Assert.Equal(6, (await _hub.EndAsync("the-id")).ReadOutputAs<int>());
        await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(
            () => Client.ScheduleNewOrchestrationInstanceAsync("Waits", options with { DedupeStatuses = ["Completed", "Failed", "Terminated"] }));

        // Who names no policy may use the id of what has ended.
        await Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 2, options);
        Assert.Equal(7, (await _hub.EndAsync("the-id")).ReadOutputAs<int>());
    }

    [Fact]
    public async Task Starts_of_one_id_at_once_make_one_instance()
    {
        var starts = Enumerable.Range(0, 20)
            .Select(_ => Client.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("contended"))).ToArray();
        await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(() => Task.WhenAll(starts));
        Assert.Equal(1, starts.Count(start => start.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Bad_names_and_ids_are_refused()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Client.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("line\nbreak")));
        await Assert.ThrowsAsync<ArgumentException>(() => Client.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions(new string('x', 2000))));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Client.ScheduleNewOrchestrationInstanceAsync(default(TaskName)));
    }

    [Fact]
    public async Task Calls_for_unknown_instances_say_so_but_events_and_terminations_are_dropped()
    {
        Assert.Null(await Client.GetInstanceAsync("unknown"));
        await Client.RaiseEventAsync("unknown", "go");
        await Client.TerminateInstanceAsync("unknown");
        Assert.Null(await Client.GetInstanceAsync("unknown"));
        await NotFoundAsync(() => Client.SuspendInstanceAsync("unknown"));
        await NotFoundAsync(() => Client.ResumeInstanceAsync("unknown"));
        await Assert.ThrowsAsync<ArgumentException>(() => Client.RestartAsync("unknown"));
        await Assert.ThrowsAsync<ArgumentException>(() => Client.GetOrchestrationHistoryAsync("unknown"));
        Assert.False((await _hub.Connection.Protocol.WaitForInstanceCompletionAsync(new() { InstanceId = "unknown" })).Exists);
        Assert.Equal(0, (await Client.PurgeInstanceAsync("unknown")).PurgedInstanceCount);
    }

    [Fact]
    public async Task A_failed_instance_is_rewound_with_its_children_and_runs_only_what_failed_again()
    {
        var healthy = 0;
        var runs = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        await _hub.StartWorkerAsync(
            registry => registry
                .AddActivityFunc<string, string>("Step", (_, name) => runs.AddOrUpdate(name, 1, (_, count) => count + 1) > 0 && name == "breaks" && Volatile.Read(ref healthy) == 0
                    ? throw new InvalidOperationException("not yet")
                    : name)
                .AddOrchestratorFunc<string, string>("Inner", async (context, _) => await context.CallActivityAsync<string>("Step", "breaks"))
                .AddOrchestratorFunc<string, string>("Outer", async (context, _) =>
                    await context.CallActivityAsync<string>("Step", "works")
                    + await context.CallSubOrchestratorAsync<string>("Inner", "", new SubOrchestrationOptions(instanceId: context.InstanceId + "-inner"))
                    + await context.CallActivityAsync<string>("Step", "after")),
            hub: "rewind");
        var client = _hub.CreateClient("rewind");
        var id = await client.ScheduleNewOrchestrationInstanceAsync("Outer");
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await client.WaitForInstanceCompletionAsync(id)).RuntimeStatus);
        Volatile.Write(ref healthy, 1);
        await client.RewindInstanceAsync(id, "repaired");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var ended = await client.WaitForInstanceCompletionAsync(id, true, deadline.Token);
        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{ended.RuntimeStatus}: {ended.FailureDetails}");
        Assert.Equal("worksbreaksafter", ended.ReadOutputAs<string>());
        Assert.Equal((1, 2, 1), (runs["works"], runs["breaks"], runs["after"]));
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.RewindInstanceAsync(id, "again"));
        await Assert.ThrowsAsync<ArgumentException>(() => client.RewindInstanceAsync("unknown", "why"));
    }

    [Fact]
    public async Task A_task_hub_is_deleted_and_recreated_with_all_that_is_in_it()
    {
        var headers = new Grpc.Core.Metadata { { "taskhub", "doomed" } };
        var stub = RawWorker.Client(_hub.GrpcPort);
        var doomed = _hub.CreateClient("doomed");
        await doomed.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("one"));
        await stub.SignalEntityAsync(new() { InstanceId = "@a@b", Name = "x" }, headers);
        await stub.CreateTaskHubAsync(new() { RecreateIfExists = true }, headers);
        Assert.Null(await doomed.GetInstanceAsync("one"));
        await doomed.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("one"));
        await stub.DeleteTaskHubAsync(new(), headers);
        Assert.Null(await doomed.GetInstanceAsync("one"));
    }

    [Fact]
    public async Task A_scheduled_start_is_pending_until_its_time()
    {
        var at = DateTimeOffset.UtcNow.AddMilliseconds(600);
        var id = await Client.ScheduleNewOrchestrationInstanceAsync("Sequence", 1, new StartOrchestrationOptions(StartAt: at));
        Assert.Equal(OrchestrationRuntimeStatus.Pending, (await Client.GetInstanceAsync(id))!.RuntimeStatus);
        var started = await Client.WaitForInstanceStartAsync(id);
        Assert.True(DateTimeOffset.UtcNow >= at, "it started early");
        Assert.NotEqual(OrchestrationRuntimeStatus.Pending, started.RuntimeStatus);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await _hub.EndAsync(id)).RuntimeStatus);
    }

    [Fact]
    public async Task Lists_are_paged_and_filtered()
    {
        for (var index = 0; index < 7; index++)
        {
            await Client.ScheduleNewOrchestrationInstanceAsync("Sequence", index, new StartOrchestrationOptions($"list-{index}") { Tags = new Dictionary<string, string> { ["team"] = "a" } });
            await _hub.EndAsync($"list-{index}");
        }

        await Client.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("list-running"));
        await Client.WaitForInstanceStartAsync("list-running");
        var pages = await Client.GetAllInstancesAsync(new OrchestrationQuery(InstanceIdPrefix: "list-", PageSize: 3)).AsPages().ToListAsync();
        Assert.Equal([3, 3, 2], pages.Select(page => page.Values.Count));
        Assert.Equal(8, pages.SelectMany(page => page.Values).Select(item => item.InstanceId).Distinct().Count());
        Assert.Equal("a", pages[0].Values[0].Tags["team"]);
        Assert.Null(pages[0].Values[0].SerializedInput);

        var running = await Client.GetAllInstancesAsync(new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Running], FetchInputsAndOutputs: true)).ToListAsync();
        Assert.Equal("list-running", Assert.Single(running).InstanceId);
        var future = new OrchestrationQuery(CreatedFrom: DateTimeOffset.UtcNow.AddHours(1));
        Assert.Empty(await Client.GetAllInstancesAsync(future).ToListAsync());

        var ids = await Client.ListInstanceIdsAsync([OrchestrationRuntimeStatus.Completed], pageSize: 4);
        var rest = await Client.ListInstanceIdsAsync([OrchestrationRuntimeStatus.Completed], pageSize: 4, lastInstanceKey: ids.ContinuationToken);
        Assert.Equal(7, ids.Values.Concat(rest.Values).Distinct().Count());
        Assert.Null(rest.ContinuationToken);
        var bad = new OrchestrationQuery(ContinuationToken: "nonsense");
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await Client.GetAllInstancesAsync(bad).ToListAsync());
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refused.StatusCode);
    }

    [Fact]
    public async Task Purge_removes_what_has_ended()
    {
        var parent = await _hub.RunAsync("Parent", 3);
        await Client.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("still-running"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Client.PurgeInstanceAsync("still-running"));
        Assert.Equal(4, (await Client.PurgeInstanceAsync(parent.InstanceId, new PurgeInstanceOptions(Recursive: true))).PurgedInstanceCount);
        Assert.Null(await Client.GetInstanceAsync(parent.InstanceId));

        await _hub.RunAsync("Sequence", 1);
        await _hub.RunAsync("DoesNotCatch", "x");
        var failed = await Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(Statuses: [OrchestrationRuntimeStatus.Failed]));
        Assert.Equal((1, true), (failed.PurgedInstanceCount, failed.IsComplete));
        Assert.Equal(1, (await Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(CreatedTo: DateTimeOffset.UtcNow))).PurgedInstanceCount);
        Assert.NotNull(await Client.GetInstanceAsync("still-running"));
    }

    [Fact]
    public async Task A_finished_instance_is_restarted_under_its_own_or_a_new_id()
    {
        var first = await _hub.RunAsync("Sequence", 3);
        var firstExecution = await ExecutionAsync(first.InstanceId);
        var copy = await Client.RestartAsync(first.InstanceId, restartWithNewInstanceId: true);
        Assert.Equal(8, (await _hub.EndAsync(copy)).ReadOutputAs<int>());
        Assert.Equal(first.InstanceId, await Client.RestartAsync(first.InstanceId));
        var again = await _hub.EndAsync(first.InstanceId);
        Assert.Equal(8, again.ReadOutputAs<int>());
        Assert.NotEqual(firstExecution, await ExecutionAsync(first.InstanceId));

        await Client.ScheduleNewOrchestrationInstanceAsync("Waits", new StartOrchestrationOptions("busy"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Client.RestartAsync("busy"));
    }

    [Fact]
    public async Task The_history_is_that_of_the_protocol()
    {
        var id = (await _hub.RunAsync("Sequence", 1)).InstanceId;
        var history = await _hub.HistoryAsync(id);
        Assert.Equal(["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "OrchestratorCompleted", "OrchestratorStarted", "TaskCompleted"], history.Take(6).Select(item => item.EventType));
        var last = history[^1];
        Assert.Equal("ExecutionCompleted", last.EventType);
        Assert.Equal("6", last.Result);
        Assert.Equal(nameof(OrchestrationRuntimeStatus.Completed), last.Status);
        Assert.Equal("PlusOne", history[2].Name);
    }

    [Fact]
    public async Task Health_and_metrics_are_served_over_http()
    {
        await _hub.RunAsync("Sequence", 1);
        Assert.Equal(HttpStatusCode.OK, await _hub.StatusAsync("/health"));
        Assert.Contains("taskhub_workers{hub=\"default\"} 1", await _hub.GetAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configured_token_is_required()
    {
        await using var closed = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"), "--TaskHub:BearerToken=another-key-than-the-client-has");
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => closed.Client.GetInstanceAsync("any"));
        Assert.Equal(Grpc.Core.StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task Every_call_and_every_report_is_refused_without_the_key()
    {
        using var channel = RawWorker.Channel(_hub.GrpcPort, key: null);
        var stub = new P.TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
        async Task RefusedAsync(Func<Task> call)
            => Assert.Equal(Grpc.Core.StatusCode.Unauthenticated, (await Assert.ThrowsAsync<Grpc.Core.RpcException>(call)).StatusCode);
        await RefusedAsync(async () => await stub.HelloAsync(new()));
        await RefusedAsync(async () => await stub.StartInstanceAsync(new() { InstanceId = "stolen", Name = "Sequence" }));
        await RefusedAsync(async () => await stub.QueryInstancesAsync(new()));
        await RefusedAsync(async () => await stub.TerminateInstanceAsync(new() { InstanceId = "any" }));
        await RefusedAsync(async () => await stub.DeleteTaskHubAsync(new()));
        await RefusedAsync(async () => await stub.GetWorkItems(new()).ResponseStream.MoveNext(CancellationToken.None));
        await RefusedAsync(async () => await stub.StreamInstanceHistory(new() { InstanceId = "any" }).ResponseStream.MoveNext(CancellationToken.None));
        Assert.Null(await Client.GetInstanceAsync("stolen"));
        Assert.Equal(HttpStatusCode.Unauthorized, await _hub.StatusAsync("/metrics"));
        Assert.Equal(HttpStatusCode.Unauthorized, await _hub.StatusAsync("/stuck"));
    }

    [Fact]
    public async Task A_hub_without_a_key_does_not_start()
        => await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(async () =>
        {
            await using var open = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"), "--TaskHub:BearerToken=");
        });

    private static async Task NotFoundAsync(Func<Task> call)
        => Assert.Equal(Grpc.Core.StatusCode.NotFound, (await Assert.ThrowsAsync<Grpc.Core.RpcException>(call)).StatusCode);

    private async Task<string> ExecutionAsync(string id)
        => (await _hub.Connection.Protocol.GetInstanceAsync(new() { InstanceId = id })).OrchestrationState.ExecutionId;
}
