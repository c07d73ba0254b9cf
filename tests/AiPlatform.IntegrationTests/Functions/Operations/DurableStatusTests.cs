using System.Net;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Operations;

/// <summary>The Durable Functions HTTP API (shared facts) and the outbox, against a real hub and worker.</summary>
[Collection(ServersCollection.Name)]
public sealed class DurableStatusTests(FunctionsFixture functions, PostgresFixture postgres) : IClassFixture<FunctionsFixture>, IAsyncLifetime
{
    private TaskHubInstance _hub = null!;
    private FunctionsInstance _app = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        _hub = await TaskHubInstance.StartAsync(await postgres.CreateDatabaseAsync("hub"));
        _app = await StartAppAsync(_hub.ConnectionString);
        _client = await AdministratorAsync(_app);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        await _hub.DisposeAsync();
    }

    [Theory]
    [InlineData("/durabletask")]
    [InlineData("/runtime/webhooks/durabletask")]
    public async Task An_orchestration_is_started_and_watched_to_its_end_at_the_base_that_was_called(string root)
    {
        var started = await _client.PostJsonAsync($"{root}/orchestrators/Echo", "\"hello\"");
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(10), started.Headers.RetryAfter?.Delta);
        var uris = (await JsonAsync(started)).RootElement;
        var id = uris.GetProperty("id").GetString();
        var instance = new Uri(_app.Address, $"{root}/instances/{id}").ToString();
        Assert.Equal(instance, started.Headers.Location?.ToString());
        Assert.Equal(instance, uris.GetProperty("statusQueryGetUri").GetString());
        Assert.Equal($"{instance}/raiseEvent/{{eventName}}", uris.GetProperty("sendEventPostUri").GetString());
        Assert.Equal($"{instance}/terminate?reason={{text}}", uris.GetProperty("terminatePostUri").GetString());
        Assert.Equal(instance, uris.GetProperty("purgeHistoryDeleteUri").GetString());
        Assert.Equal($"{instance}/suspend?reason={{text}}", uris.GetProperty("suspendPostUri").GetString());
        Assert.Equal($"{instance}/resume?reason={{text}}", uris.GetProperty("resumePostUri").GetString());
        Assert.Equal($"{instance}/restart", uris.GetProperty("restartPostUri").GetString());
        Assert.Equal($"{instance}/rewind?reason={{text}}", uris.GetProperty("rewindPostUri").GetString());

        var status = await EndAsync(instance);
        Assert.Equal(
            ("Echo", id, "Completed", "hello", "echo hello"),
            (Text(status, "name"), Text(status, "instanceId"), Text(status, "runtimeStatus"), Text(status, "input"), Text(status, "output")));
        Assert.Equal(JsonValueKind.Null, status.GetProperty("customStatus").ValueKind);
        Assert.True(status.GetProperty("lastUpdatedTime").GetDateTime() >= status.GetProperty("createdTime").GetDateTime());

        var shown = (await JsonAsync(await _client.GetAsync($"{instance}?showHistory=true&showHistoryOutput=true&showInput=false"))).RootElement;
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("input").ValueKind);
        var last = shown.GetProperty("historyEvents").EnumerateArray().Last();
        Assert.Equal(("ExecutionCompleted", "Completed", "echo hello"), (Text(last, "EventType"), Text(last, "OrchestrationStatus"), Text(last, "Result")));
    }

    [Fact]
    public async Task A_running_instance_is_202_takes_an_event_and_is_gone_for_events_once_finished()
    {
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/waiting-1", null);
        var running = await _client.GetAsync("/durabletask/instances/waiting-1");
        Assert.Equal(HttpStatusCode.Accepted, running.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(5), running.Headers.RetryAfter?.Delta);
        Assert.EndsWith("/durabletask/instances/waiting-1", running.Headers.Location?.ToString(), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.Accepted, (await _client.PostJsonAsync("/durabletask/instances/waiting-1/raiseEvent/go", "\"now\"")).StatusCode);
        Assert.Equal("now", Text(await EndAsync("/durabletask/instances/waiting-1"), "output"));
        await _client.PostJsonAsync("/durabletask/instances/waiting-1/raiseEvent/go", "1").ProblemAsync(HttpStatusCode.Gone, ErrorCodes.Gone);
        await _client.PostJsonAsync("/durabletask/instances/waiting-1/terminate", null).ProblemAsync(HttpStatusCode.Gone, ErrorCodes.Gone);

        using var purged = await JsonAsync(await _client.DeleteAsync("/durabletask/instances/waiting-1"));
        Assert.Equal(1, purged.RootElement.GetProperty("instancesDeleted").GetInt32());
        await _client.GetAsync("/durabletask/instances/waiting-1").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task An_instance_is_suspended_resumed_and_terminated_with_a_reason()
    {
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/waiting-2", null);
        foreach (var (action, expected) in ((string, string)[])[("suspend", "Suspended"), ("resume", "Running"), ("terminate", "Terminated")])
        {
            Assert.Equal(HttpStatusCode.Accepted, (await _client.PostJsonAsync($"/durabletask/instances/waiting-2/{action}?reason=because", null)).StatusCode);
            await Eventually.TrueAsync(
                async () => Text((await JsonAsync(await _client.GetAsync("/durabletask/instances/waiting-2"))).RootElement, "runtimeStatus") == expected,
                $"the instance is {expected}");
        }

        Assert.Equal("because", Text(await EndAsync("/durabletask/instances/waiting-2"), "output"));
    }

    [Fact]
    public async Task A_failure_is_200_with_its_reason_and_500_only_when_asked_for()
    {
        await _client.PostJsonAsync("/durabletask/orchestrators/Fail/failing-1", "\"broken\"");
        var status = await EndAsync("/durabletask/instances/failing-1");
        Assert.Equal("Failed", Text(status, "runtimeStatus"));
        Assert.Contains("broken", Text(status, "output"), StringComparison.Ordinal);
        var asked = await _client.GetAsync("/durabletask/instances/failing-1?returnInternalServerErrorOnFailure=true");
        Assert.Equal(HttpStatusCode.InternalServerError, asked.StatusCode);
        Assert.Equal("Failed", Text((await JsonAsync(asked)).RootElement, "runtimeStatus"));
    }

    [Fact]
    public async Task Instances_are_listed_by_prefix_and_status_page_by_page()
    {
        for (var i = 0; i < 3; i++)
        {
            await _client.PostJsonAsync($"/durabletask/orchestrators/Wait/listed-{i}", null);
        }

        var ids = new List<string>();
        string? token = null;
        do
        {
            var page = await _client.SendJsonAsync(
                HttpMethod.Get, "/durabletask/instances?instanceIdPrefix=listed-&runtimeStatus=Running,Pending&top=2", null, ("x-ms-continuation-token", token ?? string.Empty));
            ids.AddRange((await JsonAsync(page)).RootElement.EnumerateArray().Select(static item => Text(item, "instanceId")));
            token = page.Headers.TryGetValues("x-ms-continuation-token", out var values) ? values.Single() : null;
        }
        while (token is not null);

        Assert.Equal(["listed-0", "listed-1", "listed-2"], ids.Order(StringComparer.Ordinal));
        await _client.GetAsync("/durabletask/instances?runtimeStatus=Sleeping").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await _client.GetAsync("/durabletask/instances?top=0").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await _client.DeleteAsync("/durabletask/instances").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Bad_starts_and_unknown_instances_are_refused()
    {
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/twice", null);
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/twice", null).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/@entity", null).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait", "{").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await _client.GetAsync("/durabletask/instances/none").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await _client.PostJsonAsync("/durabletask/instances/none/terminate", null).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await _client.DeleteAsync("/durabletask/instances/twice").ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
    }

    [Fact]
    public async Task People_neither_start_nor_list_orchestrations_nor_see_those_that_are_not_their_jobs()
    {
        using var anonymous = _app.CreateClient();
        using var client = await MemberAsync();
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/private", null);
        await client.PostJsonAsync("/durabletask/orchestrators/Echo", null).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await client.GetAsync("/durabletask/instances").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await client.GetAsync("/durabletask/instances/private").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await anonymous.GetAsync("/durabletask/instances/private").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
    }

    [Fact]
    public async Task Instances_that_do_not_move_are_reported_to_administrators_only()
    {
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/stuck-1", null);
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/stuck-2", null);
        JsonElement found = default;
        await Eventually.TrueAsync(
            async () =>
            {
                var report = (await JsonAsync(await _client.GetAsync("/durabletask/stuckInstances?idleSeconds=1"))).RootElement;
                found = report.GetProperty("instances").EnumerateArray().FirstOrDefault(static item => Text(item, "instanceId") == "stuck-2");
                return found.ValueKind == JsonValueKind.Object && report.GetProperty("isComplete").GetBoolean();
            },
            "the instance is reported");
        Assert.Equal(("Wait", "Running", "eventNotReceived"), (Text(found, "name"), Text(found, "runtimeStatus"), Text(found, "reason")));
        Assert.True(found.GetProperty("idleSeconds").GetDouble() >= 1);
        var limited = (await JsonAsync(await _client.GetAsync("/durabletask/stuckInstances?idleSeconds=1&top=1"))).RootElement;
        Assert.Equal((1, false), (limited.GetProperty("instances").GetArrayLength(), limited.GetProperty("isComplete").GetBoolean()));
        await _client.GetAsync("/durabletask/stuckInstances?idleSeconds=0").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        using var member = await MemberAsync();
        await member.GetAsync("/durabletask/stuckInstances").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task Entities_are_signalled_read_and_listed()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Accepted, (await _client.PostJsonAsync($"/durabletask/entities/Counter/k{i}?op=add", $"{i + 1}")).StatusCode);
        }

        await Eventually.TrueAsync(
            async () => await _client.GetAsync("/durabletask/entities/counter/k2") is { StatusCode: HttpStatusCode.OK } answer && await answer.Content.ReadAsStringAsync() == "3",
            "the entity has its state");
        var listed = new List<JsonElement>();
        string? token = null;
        do
        {
            var page = await _client.SendJsonAsync(
                HttpMethod.Get, "/runtime/webhooks/durabletask/entities/counter?fetchState=true&top=2", null, ("x-ms-continuation-token", token ?? string.Empty));
            listed.AddRange((await JsonAsync(page)).RootElement.EnumerateArray());
            token = page.Headers.TryGetValues("x-ms-continuation-token", out var values) ? values.Single() : null;
        }
        while (token is not null);

        Assert.Equal(
            [("counter", "k0", 1), ("counter", "k1", 2), ("counter", "k2", 3)],
            listed.Select(static item => (Text(item.GetProperty("entityId"), "name"), Text(item.GetProperty("entityId"), "key"), item.GetProperty("state").GetInt32())).Order());
        Assert.All(listed, static item => Assert.True(item.GetProperty("lastOperationTime").GetDateTime() > DateTime.UnixEpoch));
        var plain = (await JsonAsync(await _client.GetAsync("/durabletask/entities"))).RootElement.EnumerateArray().First();
        Assert.False(plain.TryGetProperty("state", out _));

        await _client.GetAsync("/durabletask/entities/counter/nobody").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await _client.PostJsonAsync("/durabletask/entities/counter/k0", "1").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await _client.PostJsonAsync("/durabletask/entities/a@b/k0?op=add", "1").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await _client.PostJsonAsync("/durabletask/entities/counter/k0?op=add", "{").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        using var member = await MemberAsync();
        await member.GetAsync("/durabletask/entities/counter/k0").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await member.PostJsonAsync("/durabletask/entities/counter/k0?op=add", "1").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task Orchestrations_are_tasks_of_administrators()
    {
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/task-1", null);
        await _client.PostJsonAsync("/durabletask/orchestrators/Echo/task-2", "\"x\"");
        await EndAsync("/durabletask/instances/task-2");
        var tasks = new List<PlatformTask>();
        string? token = null;
        do
        {
            var page = await _client.GetAsync<Page<PlatformTask>>($"/v1/tasks?kind=orchestration&pageSize=1&pageToken={token}");
            tasks.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token is not null);

        Assert.Equal(["task-1", "task-2"], tasks.Select(static task => task.Id));
        Assert.All(tasks, static task => Assert.Equal(("orchestration", null), (task.Kind, task.ProjectId)));
        Assert.Equal(("Echo", TaskState.Succeeded, "/durabletask/instances/task-2"), (tasks[1].Name, tasks[1].State, tasks[1].Link));
        Assert.Equal(TaskState.Running, (await _client.GetAsync<PlatformTask>("/v1/tasks/task-1")).State);
        await _client.GetAsync("/v1/tasks?kind=orchestration&pageToken=WyJ4Il0").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidPageToken);
        await _client.GetAsync("/v1/tasks?kind=dance").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        using var member = await MemberAsync();
        await member.GetAsync("/v1/tasks?kind=orchestration").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await member.GetAsync("/v1/tasks/task-1").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

        // As everything in the list they can be cancelled.
        await member.PostJsonAsync("/v1/tasks/task-1/cancel", "{}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await _client.PostJsonAsync("/v1/tasks/none/cancel", "{}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(new CancelledTasks(0, 0), await _client.PostAsync<CancelledTasks>("/v1/tasks/task-2/cancel", new CancelTaskRequest()));
        Assert.Equal(new CancelledTasks(0, 1), await _client.PostAsync<CancelledTasks>("/v1/tasks/task-1/cancel", new CancelTaskRequest("enough")));
        await EndAsync("/durabletask/instances/task-1");
        Assert.Equal(TaskState.Cancelled, (await _client.GetAsync<PlatformTask>("/v1/tasks/task-1")).State);
    }

    [Fact]
    public async Task Foreign_continuation_tokens_and_changes_that_come_too_early_are_refused()
    {
        await _client.SendJsonAsync(HttpMethod.Get, "/durabletask/instances", null, ("x-ms-continuation-token", "foreign")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidPageToken);
        await _client.PostJsonAsync("/durabletask/orchestrators/Wait/early", null);
        await _client.PostJsonAsync("/durabletask/instances/early/restart?restartWithNewInstanceId=false", null).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        await _client.PostJsonAsync("/durabletask/instances/early/rewind", null).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        await _client.PostJsonAsync("/durabletask/instances/early/raiseEvent/go", "{").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Committed_outbox_messages_are_delivered_in_order_and_rolled_back_ones_never()
    {
        await EnqueueAsync(_app, OutboxMessage.Start("Wait", "outbox-1", "in"), OutboxMessage.Start("Wait", "outbox-1", "in"), OutboxMessage.Raise("outbox-1", "go", "done"));
        Assert.Equal("done", Text(await EndAsync("/durabletask/instances/outbox-1"), "output"));

        await Assert.ThrowsAsync<InvalidDataException>(() => EnqueueAsync(_app, OutboxMessage.Start("Wait", "outbox-never", "in"), null!));
        await EnqueueAsync(_app, OutboxMessage.Start("Wait", "outbox-2", "in"), OutboxMessage.Terminate("outbox-2", "stop"), OutboxMessage.Raise("unknown", "go", 1));
        Assert.Equal("stop", Text(await EndAsync("/durabletask/instances/outbox-2"), "output"));
        await _client.GetAsync("/durabletask/instances/outbox-never").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await Eventually.TrueAsync(async () => await CountAsync() == 0, "the outbox is empty");
    }

    [Fact]
    public async Task What_is_committed_while_the_hub_is_away_is_delivered_when_it_comes()
    {
        var port = TcpPorts.Free();
        await using var app = await StartAppAsync($"Endpoint=http://127.0.0.1:{port};TaskHub=default;Authentication=AccessKey;AccessKey={TaskHubInstance.AccessKey}");
        using var client = await AdministratorAsync(app);
        await EnqueueAsync(app, OutboxMessage.Start("Echo", "late-1", "hello"));
        await client.GetAsync("/durabletask/instances/late-1").ProblemAsync(HttpStatusCode.ServiceUnavailable, ErrorCodes.Unavailable);
        await using var hub = await TaskHubInstance.StartAsync(await postgres.CreateDatabaseAsync("hub"), port);
        await Eventually.TrueAsync(
            async () => (await client.GetAsync("/durabletask/instances/late-1")).StatusCode == HttpStatusCode.OK, "the orchestration ran", TimeSpan.FromSeconds(40));
    }

    private async Task<HttpClient> MemberAsync()
    {
        using var anonymous = _app.CreateClient();
        return _app.CreateClient((await anonymous.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("member", TestUser.Password))).AccessToken);
    }

    private static Task EnqueueAsync(FunctionsInstance app, params OutboxMessage[] messages)
        => app.Services.GetRequiredService<Database>().InTransactionAsync(
            async (connection, transaction) =>
            {
                foreach (var message in messages)
                {
                    await app.Services.GetRequiredService<IOutbox>()
                        .EnqueueAsync(connection, transaction, message ?? throw new InvalidDataException(), CancellationToken.None);
                }
            },
            CancellationToken.None);

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static async Task<JsonDocument> JsonAsync(HttpResponseMessage response) => JsonDocument.Parse(await response.Content.ReadAsStringAsync());

    // A database of its own: another instance on it would deliver its outbox too, to a hub that is away.
    private async Task<FunctionsInstance> StartAppAsync(string taskHub)
        => await FunctionsInstance.StartAsync(new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal)
        {
            ["ConnectionStrings:Postgres"] = await postgres.CreateMigratedAsync("durable"),
            ["ConnectionStrings:TaskHub"] = taskHub,
        });

    private static async Task<HttpClient> AdministratorAsync(FunctionsInstance app)
    {
        using var anonymous = app.CreateClient();
        var login = await anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(FunctionsFixture.AdministratorName, TestUser.Password));
        return app.CreateClient(login.AccessToken);
    }

    private async Task<long> CountAsync()
    {
        await using var command = _app.Services.GetRequiredService<Database>().Source.CreateCommand("SELECT count(*) FROM outbox");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task<JsonElement> EndAsync(string path)
    {
        JsonElement status = default;
        await Eventually.TrueAsync(
            async () =>
            {
                var answer = await _client.GetAsync(path);
                status = (await JsonAsync(answer)).RootElement;
                return answer.StatusCode == HttpStatusCode.OK;
            },
            $"{path} has ended");
        return status;
    }
}
