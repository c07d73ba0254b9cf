using System.Diagnostics;
using System.Net;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>What belongs together: trees that are cancelled, dependents that are replayed, chains.</summary>
[Collection(ComputeCollection.Name)]
public sealed class TaskTreeTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    private static readonly TaskRetry Once = new(MaxAttempts: 1);

    [Fact]
    public async Task A_child_of_a_cancelled_tree_never_runs_whenever_it_is_submitted()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var root = await queues.SubmitAsync(project, pool);
        var child = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, ParentId: root.Id));
        await queues.Api.CancelTaskAsync(root.Id, new CancelTaskRequest(Tree: true), CancellationToken.None);
        var late = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, ParentId: child.Id, DeduplicationKey: "late"));
        var later = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, ParentId: late.Id));
        var dependent = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, DependsOn: new TaskDependencies([late.Id])));
        Assert.Equal((QueueTaskStatus.Cancelled, QueueTaskStatus.Cancelled), (late.Status, later.Status));
        await queues.UntilAsync(project, pool, dependent.Id, QueueTaskStatus.Skipped);

        // Submissions and the cancellation at once: none slips through.
        var other = await queues.SubmitAsync(project, pool);
        var children = Enumerable.Range(0, 16).Select(_ => queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, ParentId: other.Id))).ToList();
        await queues.Api.CancelTaskAsync(other.Id, new CancelTaskRequest(Tree: true), CancellationToken.None);
        var all = await Task.WhenAll(children);
        await using var worker = await queues.WorkerAsync(pool);
        foreach (var one in all)
        {
            await queues.UntilAsync(project, pool, one.Id, QueueTaskStatus.Cancelled);
        }

        Assert.Empty(worker.Started);
    }

    [Fact]
    public async Task A_replay_takes_along_what_was_skipped_because_of_the_failure()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var isMended = false;
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler((task, _)
            => task.Assignment.Payload?.GetString() == "fail" && !isMended ? throw new InvalidOperationException("not yet") : Task.FromResult<JsonElement?>(null)));
        SubmitTaskRequest Node(string name, string[]? after = null, string? payload = null)
            => new(TaskHandlers.Noop, JsonSerializer.SerializeToElement(payload), name, Retry: Once, Ref: name, DependsOn: after is null ? null : new TaskDependencies(after));
        var request = new SubmitTasksRequest(
            [Node("bad", payload: "fail"), Node("next", ["bad"]), Node("last", ["next"]), Node("worse", payload: "fail"), Node("both", ["next", "worse"])]);
        var ids = (await queues.Api.SubmitTasksAsync(project, pool, request, CancellationToken.None)).Tasks.Select(task => task.Id).ToList();
        foreach (var skipped in (int[])[1, 2, 4])
        {
            await queues.UntilAsync(project, pool, ids[skipped], QueueTaskStatus.Skipped);
        }

        await queues.UntilAsync(project, pool, ids[3], QueueTaskStatus.DeadLettered);
        isMended = true;
        Assert.Equal(new ReplayedTasks(1, true, 3), await queues.Api.ReplayTasksAsync(project, pool, new ReplayTasksRequest([ids[0]], Dependents: true), CancellationToken.None));
        await queues.UntilAsync(project, pool, ids[2], QueueTaskStatus.Succeeded);
        await queues.UntilAsync(project, pool, ids[4], QueueTaskStatus.Skipped); // The other one that it needs is still a dead letter.
        Assert.Equal(new ReplayedTasks(1, false, 1), await queues.Api.ReplayTasksAsync(project, pool, new ReplayTasksRequest(Dependents: true), CancellationToken.None));
        await queues.UntilAsync(project, pool, ids[4], QueueTaskStatus.Succeeded);
        Assert.Equal(["bad", "next", "last", "worse", "both"], worker.Started.Select(run => request.Tasks[ids.IndexOf(run.TaskId)].Name!).Skip(2));
    }

    [Fact]
    public async Task The_text_of_an_escape_is_text_and_what_cannot_be_stored_is_refused_by_name()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var text = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, JsonElement.Parse("\"\\\\u0000\"")));
        Assert.Equal("\\u0000", text.Payload?.GetString());
        foreach (var (payload, word) in new[] { ("\"\\u0000\"", "U\\u002B0000"), ("[1e131000]", "payload"), (new string('[', 55) + new string(']', 55), "48") })
        {
            var problem = await queues.Administrator.PostJsonAsync($"/v1/queues/{project}/{pool}/tasks", $$"""{"handler":"noop","payload":{{payload}}}""")
                .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Contains(word, JsonSerializer.Serialize(problem));
        }
    }

    [Fact]
    public async Task A_schedule_says_its_days_and_has_a_time_zone_that_exists()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        Task<TaskSchedule> CreateAsync(string name, string cron, string? zone = null, CronDays? days = null) => queues.Api.CreateTaskScheduleAsync(
            project, pool, new CreateTaskScheduleRequest(name, cron, new SubmitTaskRequest(TaskHandlers.Noop), zone, Days: days), CancellationToken.None);
        var or = await CreateAsync("or", "0 9 13 * 5", "Asia/Shanghai", CronDays.Or);
        var and = await CreateAsync("and", "0\t9\t13\t*\t5", days: CronDays.And);
        Assert.Equal((CronDays.Or, CronDays.And), (or.Days, and.Days));
        Assert.True(or.NextAt <= and.NextAt);
        Assert.InRange((or.NextAt!.Value - DateTimeOffset.UtcNow).TotalDays, 0, 7);
        foreach (var (cron, zone) in new[] { ("0 9 13 * 5", null), ("0 9 * * *", ""), ("0 9 * * *", " "), ("0 0 30 2 *", null) })
        {
            Assert.Equal(ErrorCodes.InvalidRequest, (await Assert.ThrowsAsync<Client.ApiException>(() => CreateAsync("refused", cron, zone))).Code);
        }
    }

    [Fact]
    public async Task A_chain_goes_on_without_pauses_between_its_steps()
    {
        const int Steps = 100;
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool);
        var chain = Enumerable.Range(0, Steps)
            .Select(i => new SubmitTaskRequest(TaskHandlers.Noop, Ref: $"s{i}", DependsOn: i == 0 ? null : new TaskDependencies([$"s{i - 1}"]))).ToList();
        var clock = Stopwatch.StartNew();
        var ids = (await queues.Api.SubmitTasksAsync(project, pool, new SubmitTasksRequest(chain), CancellationToken.None)).Tasks;
        await queues.UntilAsync(project, pool, ids[^1].Id, QueueTaskStatus.Succeeded);
        Assert.Equal(Steps, worker.Started.Count);

        // Far from the target of the bench (8 ms), far below any waiting that is left to a timer.
        Assert.InRange(clock.Elapsed.TotalMilliseconds / Steps, 0, 150);
        Console.WriteLine($"chain: {clock.Elapsed.TotalMilliseconds / Steps:0.0} ms a step");
    }
}
