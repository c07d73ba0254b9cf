using System.Net;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

[Collection(ComputeCollection.Name)]
public sealed class QueueBadInputTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    public static TheoryData<string, string, string, string> Bodies() => new()
    {
        { "POST", "tasks", """{"handler":"shell"}""", "handler" },
        { "POST", "tasks", """{"handler":"noop","extra":1}""", "extra" },
        { "POST", "tasks", """{}""", "handler" },
        { "POST", "tasks", """{"handler":"noop","priority":"urgent"}""", "priority" },
        { "POST", "tasks", """{"handler":"noop","dependsOn":{"tasks":["00000000000000000000000000000000"]}}""", "dependsOn.tasks" },
        { "POST", "tasks", """{"handler":"noop","parentId":"00000000000000000000000000000000"}""", "parentId" },
        { "POST", "tasks", """{"handler":"noop","payload":"a\u0000b"}""", "payload" },
        { "POST", "tasks", """{"handler":"python","payload":{"package":"00000000000000000000000000000000","function":"m:f"}}""", "payload.package" },
        { "POST", "tasks/bulk", """{"tasks":[]}""", "tasks" },
        { "POST", "tasks/bulk", """{"tasks":[null]}""", "tasks[0]" },
        { "POST", "tasks/bulk", """{"tasks":[{"handler":"noop"},{"handler":"noop","timeoutSeconds":-1}]}""", "tasks[1].timeoutSeconds" },
        { "POST", "tasks/bulk", """{"tasks":[{"handler":"noop","ref":"a"},{"handler":"noop","ref":"a"}]}""", "tasks[1].ref" },
        { "PUT", "", """{"weight":0}""", "weight" },
        { "PUT", "", """{"maxRunning":-1}""", "maxRunning" },
        { "PUT", "", """{"userWeights":{"u":1e9}}""", "userWeights.u" },
        { "POST", "dead-letters/replay", """{"tasks":["x"]}""", "tasks" },
        { "POST", "schedules", """{"name":"s","cron":"every day","task":{"handler":"noop"}}""", "cron" },
        { "POST", "schedules", """{"name":"s","cron":"61 * * * *","task":{"handler":"noop"}}""", "cron" },
        { "POST", "schedules", """{"name":"s","cron":"* * * * * * *","task":{"handler":"noop"}}""", "cron" },
        { "POST", "schedules", """{"name":"s","cron":"","task":{"handler":"noop"}}""", "cron" },
        { "POST", "schedules", """{"name":"s","cron":"* * * * *","timeZone":"Mars/Base","task":{"handler":"noop"}}""", "timeZone" },
        { "POST", "schedules", """{"name":"s","cron":"* * * * *","task":{"handler":"noop","delaySeconds":1}}""", "task" },
        { "POST", "schedules", """{"name":"s","cron":"* * * * *","task":{"handler":"none"}}""", "task.handler" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Bad_bodies_are_refused_by_field(string method, string path, string body, string field)
    {
        var project = await queues.ProjectAsync();
        await queues.Api.UpdateQueueAsync(project, "pool-0", new UpdateQueueRequest(), CancellationToken.None);
        var problem = await queues.Administrator.SendJsonAsync(new HttpMethod(method), $"/v1/queues/{project}/pool-0/{path}", body)
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal([field], problem.Errors?.Keys);
    }

    [Fact]
    public async Task Hostile_sizes_are_refused_by_field()
    {
        var project = await queues.ProjectAsync();
        foreach (var (path, body, field) in new[]
        {
            ("schedules", $$$"""{"name":"s","cron":"{{{new string('1', 300)}}} * * * *","task":{"handler":"noop"}}""", "cron"),
            ("tasks", $$"""{"handler":"noop","payload":"{{new string('x', 64 * 1024)}}"}""", "payload"),
            ("tasks", $$"""{"handler":"noop","deduplicationKey":"{{new string('k', 201)}}"}""", "deduplicationKey"),
            ("tasks", $$$"""{"handler":"noop","dependsOn":{"tasks":[{{{string.Join(',', Enumerable.Repeat("\"x\"", 1_001))}}}]}}""", "dependsOn.tasks"),
            ("tasks/bulk", $$"""{"tasks":[{{string.Join(',', Enumerable.Repeat("{\"handler\":\"noop\"}", 10_001))}}]}""", "tasks"),
            ("tasks/bulk", $$"""{"tasks":[{{string.Join(',', Enumerable.Repeat("{\"handler\":\"noop\"}", 9_999))}},{"handler":"noop","payload":"{{new string('x', 64 * 1024)}}"}]}""", "tasks[9999].payload"),
        })
        {
            var problem = await queues.Administrator.PostJsonAsync($"/v1/queues/{project}/pool-0/{path}", body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Equal([field], problem.Errors?.Keys);
        }
    }

    [Fact]
    public async Task Nothing_of_a_refused_submission_is_stored_and_huge_bodies_are_refused()
    {
        var project = await queues.ProjectAsync();
        await queues.Api.UpdateQueueAsync(project, "pool-0", new UpdateQueueRequest(), CancellationToken.None);
        await queues.Administrator.PostJsonAsync($"/v1/queues/{project}/pool-0/tasks/bulk", """{"tasks":[{"handler":"noop"},{"handler":"noop","parentId":"00000000000000000000000000000000"}]}""")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);

        using (var huge = new StringContent($$"""{"handler":"noop","payload":"{{new string('x', 1_200_000)}}"}""", Encoding.UTF8, "application/json"))
        {
            await queues.Administrator.PostAsync($"/v1/queues/{project}/pool-0/tasks", huge).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, ErrorCodes.PayloadTooLarge);
        }

        Assert.Empty((await queues.Api.ListQueueTasksAsync(project, "pool-0", null, null, null, CancellationToken.None)).Items);
    }

    [Fact]
    public async Task A_closed_chain_of_ten_thousand_is_refused()
    {
        var tasks = Enumerable.Range(0, 10_000).Select(i => new SubmitTaskRequest(TaskHandlers.Noop, Ref: $"t{i}", DependsOn: new TaskDependencies([$"t{(i + 1) % 10_000}"])));
        await queues.Administrator.PostJsonAsync($"/v1/queues/{await queues.ProjectAsync()}/pool-0/tasks/bulk", new SubmitTasksRequest([.. tasks]))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.DependencyCycle);
    }

    [Fact]
    public async Task A_circle_is_refused_with_its_own_code()
        => await queues.Administrator.PostJsonAsync(
                $"/v1/queues/{await queues.ProjectAsync()}/pool-0/tasks/bulk",
                """{"tasks":[{"handler":"noop","ref":"a","dependsOn":{"tasks":["b"]}},{"handler":"noop","ref":"b","dependsOn":{"tasks":["a"]}}]}""")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.DependencyCycle);

    [Theory]
    [InlineData("GET", "/v1/queues/{0}/nowhere")]
    [InlineData("PUT", "/v1/queues/{0}/nowhere")]
    [InlineData("POST", "/v1/queues/{0}/nowhere/pause")]
    [InlineData("GET", "/v1/queues/nobody/pool-0")]
    [InlineData("GET", "/v1/queues/{0}/pool-0/tasks/none")]
    [InlineData("GET", "/v1/tasks/none/why")]
    [InlineData("DELETE", "/v1/queues/{0}/pool-0/dead-letters/none")]
    [InlineData("DELETE", "/v1/queues/{0}/pool-0/schedules/none")]
    public async Task What_is_not_there_is_not_found(string method, string path)
    {
        var project = await queues.ProjectAsync();
        await queues.Administrator.SendJsonAsync(new HttpMethod(method), string.Format(null, path, project), method is "GET" or "DELETE" ? null : "{}")
            .ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Nobody_sees_or_touches_the_tasks_of_others_and_only_workers_run_them()
    {
        var (project, pool) = (await queues.ProjectAsync(), "pool-0");
        var (_, stranger, own) = await queues.StrangerAsync();
        var task = await queues.SubmitAsync(project, pool);
        await stranger.GetAsync($"/v1/queues/{project}/{pool}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.PostJsonAsync($"/v1/queues/{project}/{pool}/tasks", "{\"handler\":\"noop\"}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.GetAsync($"/v1/tasks/{task.Id}/why").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.GetAsync($"/v1/tasks/{task.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.PostJsonAsync($"/v1/tasks/{task.Id}/cancel", "{}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.PostJsonAsync(
                $"/v1/queues/{own}/{pool}/tasks", new SubmitTaskRequest(TaskHandlers.Noop, DependsOn: new TaskDependencies([task.Id])))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Empty((await stranger.GetAsync<Page<TaskQueue>>("/v1/queues")).Items);
        await queues.Administrator.PostJsonAsync("/v1/queues/claims", new ClaimTasksRequest("w", [new TaskMessage(task.Id, 1)]))
            .ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await stranger.PostJsonAsync("/v1/queues/completions", new CompleteTasksRequest("w", [])).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }
}
