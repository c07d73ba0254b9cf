using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Queues;

[Collection(ServersCollection.Name)]
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
    [InlineData("POST", "/v1/tasks/none/cancel")]
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
