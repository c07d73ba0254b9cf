using System.Text.Json;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>The end of each attempt is judged alone, and what was done is not done again.</summary>
[Collection(ComputeCollection.Name)]
public sealed class TaskResultTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    private static readonly TaskRetry Twice = new(MaxAttempts: 2, FirstDelaySeconds: 0.05);

    private static readonly Dictionary<string, string> Bad = new(StringComparer.Ordinal)
    {
        ["result.size"] = $"\"{new string('x', 70_000)}\"",
        ["result.nul"] = "\"\\u0000\"",
        ["result.surrogate"] = "{\"half\":\"\\udead\"}",
        ["result.number"] = "[1e200000]",
        ["result.depth"] = new string('[', 60) + new string(']', 60),
    };

    [Fact]
    public async Task A_result_that_cannot_be_stored_fails_its_own_attempt_and_its_neighbours_run_once()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, slots: 64, handler: new FunctionHandler(async (task, token) =>
        {
            await Task.Delay(20, token); // So that ends meet in groups.
            var payload = task.Assignment.Payload?.GetString();
            return payload is null ? JsonElement.Parse("1") : JsonElement.Parse(Bad[payload]);
        }));
        SubmitTaskRequest[] requests =
        [
            .. Bad.Keys.Select(kind => new SubmitTaskRequest(TaskHandlers.Noop, JsonSerializer.SerializeToElement(kind), Retry: Twice)),
            .. Enumerable.Repeat(new SubmitTaskRequest(TaskHandlers.Noop, Retry: Twice), 40),
        ];
        var ids = (await queues.Api.SubmitTasksAsync(project, pool, new SubmitTasksRequest(requests), CancellationToken.None)).Tasks.Select(task => task.Id).ToList();
        foreach (var (kind, id) in Bad.Keys.Zip(ids))
        {
            var task = await queues.UntilAsync(project, pool, id, QueueTaskStatus.DeadLettered);
            Assert.Equal((kind, 2), (task.ErrorKind, task.Attempt));
            Assert.Contains("cannot be stored", task.Reason);
        }

        foreach (var id in ids.Skip(Bad.Count))
        {
            Assert.Equal(1, (await queues.UntilAsync(project, pool, id, QueueTaskStatus.Succeeded)).Attempt);
        }

        var runs = worker.Started.CountBy(run => run.TaskId).ToDictionary();
        Assert.All(ids.Take(Bad.Count), id => Assert.Equal(2, runs[id]));
        Assert.All(ids.Skip(Bad.Count), id => Assert.Equal(1, runs[id]));
    }

    [Fact]
    public async Task Reports_of_one_call_are_judged_one_by_one()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var requests = Enumerable.Repeat(new SubmitTaskRequest(TaskHandlers.Noop, Retry: new TaskRetry(MaxAttempts: 1)), Bad.Count + 1);
        await queues.WorkerApi.TaskWorkerHeartbeatAsync("by-hand", new TaskWorkerHeartbeat(pool, TaskLane.Light, 64, []), CancellationToken.None);
        var ids = (await queues.Api.SubmitTasksAsync(project, pool, new SubmitTasksRequest([.. requests]), CancellationToken.None)).Tasks.Select(task => task.Id).ToList();
        foreach (var id in ids)
        {
            await queues.UntilAsync(project, pool, id, QueueTaskStatus.Queued);
        }

        await queues.WorkerApi.ClaimTasksAsync(new ClaimTasksRequest("by-hand", [.. ids.Select(id => new TaskMessage(id, 1))]), CancellationToken.None);
        string[] reports =
        [
            .. Bad.Values.Zip(ids, (result, id) => $$"""{"taskId":"{{id}}","fence":1,"outcome":"succeeded","result":{{result}}}"""),
            $$"""{"taskId":"{{ids[^1]}}","fence":0,"outcome":"failed","errorKind":"old"}""", // Of an earlier release.
            $$"""{"taskId":"{{ids[^1]}}","fence":1,"outcome":"succeeded","result":"\\u0000"}""",
        ];

        // Written by hand: no serialiser writes half of a surrogate pair.
        var token = await new Client.ServiceTokenSource(queues.Administrator, "orchestrations", QueueFixture.Secret, TimeProvider.System).GetTokenAsync(null, CancellationToken.None);
        using var http = queues.App.CreateClient(token);
        using var body = new StringContent($$"""{"workerId":"by-hand","tasks":[{{string.Join(',', reports)}}]}""", System.Text.Encoding.UTF8, "application/json");
        var accepted = await (await http.PostAsync("/v1/queues/completions", body)).ReadAsync<CompletedTasks>();
        Assert.Equal(Bad.Count + 1, accepted.Accepted);
        Assert.Equal("\\u0000", (await queues.UntilAsync(project, pool, ids[^1], QueueTaskStatus.Succeeded)).Result?.GetString());
        foreach (var (kind, id) in Bad.Keys.Zip(ids))
        {
            Assert.Equal(kind, (await queues.UntilAsync(project, pool, id, QueueTaskStatus.DeadLettered)).ErrorKind);
        }
    }

    [Fact]
    public async Task A_failure_with_any_text_and_any_kind_is_stored()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler((_, _)
            => throw new AiPlatform.TaskWorker.TaskFailedException("python.\0Ä\uD800" + new string('k', 90), new string('e', 3_999) + "😀\0\uDC00")));
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Retry: new TaskRetry(MaxAttempts: 1)));
        var ended = await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.DeadLettered);
        Assert.Equal("python.___" + new string('k', 54), ended.ErrorKind);
        Assert.Equal(new string('e', 3_999), ended.Reason);
    }

    [Fact]
    public async Task A_worker_that_lives_but_forgot_a_task_is_not_called_silent()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Retry: new TaskRetry(MaxAttempts: 1)));
        using var stop = new CancellationTokenSource();
        var beating = BeatAsync(pool, stop.Token);
        await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Queued);
        await queues.WorkerApi.ClaimTasksAsync(new ClaimTasksRequest("forgetful", [new TaskMessage(task.Id, 1)]), CancellationToken.None);
        var ended = await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.DeadLettered);
        Assert.Equal("lost", ended.ErrorKind);
        Assert.Contains("lives", ended.Reason);
        await stop.CancelAsync();
        await beating;
    }

    private async Task BeatAsync(string pool, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await queues.WorkerApi.TaskWorkerHeartbeatAsync("forgetful", new TaskWorkerHeartbeat(pool, TaskLane.Light, 1, []), CancellationToken.None);
            await Task.Delay(500, CancellationToken.None);
        }
    }
}
