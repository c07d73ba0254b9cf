using System.Text.Json;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.TaskWorker;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>Dependencies, times, limits, keys, dead letters, schedules and explanations, on the real stack.</summary>
[Collection(ComputeCollection.Name)]
public sealed class TaskRulesTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    private static readonly TaskRetry Once = new(MaxAttempts: 1);

    [Fact]
    public async Task A_graph_runs_in_order_and_failure_takes_the_other_branch()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler((task, _)
            => task.Assignment.Payload?.GetString() == "fail" ? throw new InvalidOperationException("as told") : Task.FromResult<JsonElement?>(null)));
        SubmitTaskRequest Node(string name, string[]? after = null, DependencyMode mode = DependencyMode.All, bool fails = false)
            => new(TaskHandlers.Noop, fails ? JsonElement.Parse("\"fail\"") : null, name, Retry: Once, Ref: name, DependsOn: after is null ? null : new TaskDependencies(after, mode));
        var request = new SubmitTasksRequest(
        [
            Node("join", ["left", "right"]), Node("left", ["root"]), Node("right", ["root"]), Node("root"),
            Node("broken", ["join"], fails: true), Node("never", ["broken"]), Node("after-never", ["never"]),
            Node("cleanup", ["broken"], DependencyMode.OnFailure), Node("not-needed", ["join"], DependencyMode.OnFailure),
            Node("any", ["broken", "cleanup"], DependencyMode.Any),
        ]);
        var ids = (await queues.Api.SubmitTasksAsync(project, pool, request, CancellationToken.None)).Tasks
            .Select((task, i) => (request.Tasks[i].Name!, task.Id)).ToDictionary();
        await queues.UntilAsync(project, pool, ids["any"], QueueTaskStatus.Succeeded);
        await queues.UntilAsync(project, pool, ids["after-never"], QueueTaskStatus.Skipped);
        await queues.UntilAsync(project, pool, ids["not-needed"], QueueTaskStatus.Skipped);
        await queues.UntilAsync(project, pool, ids["never"], QueueTaskStatus.Skipped);
        await queues.UntilAsync(project, pool, ids["broken"], QueueTaskStatus.DeadLettered);
        var order = worker.Started.Select(run => ids.Single(pair => pair.Value == run.TaskId).Key).ToList();
        Assert.Equal(7, order.Count);
        Assert.Equal("root", order[0]);
        Assert.Equal(["join", "broken", "cleanup", "any"], order[3..]);

        // What depends on a task that has ended is decided at once.
        var late = await queues.SubmitAsync(project, pool, Node("late", [ids["root"]]) with { Ref = null });
        await queues.UntilAsync(project, pool, late.Id, QueueTaskStatus.Succeeded);
    }

    [Fact]
    public async Task A_tree_is_cancelled_with_what_depends_on_it_and_what_was_submitted_on_its_behalf()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var root = await queues.SubmitAsync(project, pool);
        var child = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, ParentId: root.Id));
        var dependent = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, DependsOn: new TaskDependencies([child.Id])));
        var other = await queues.SubmitAsync(project, pool);
        Assert.Equal(3, (await queues.Api.CancelTaskAsync(root.Id, new CancelTaskRequest(Tree: true), CancellationToken.None)).Cancelled);
        await queues.UntilAsync(project, pool, dependent.Id, QueueTaskStatus.Cancelled);
        await queues.UntilAsync(project, pool, other.Id, QueueTaskStatus.Ready);
    }

    [Fact]
    public async Task A_delayed_task_runs_when_it_is_due_and_says_so_before()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool);
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, DelaySeconds: 1.5));
        Assert.Equal(QueueTaskStatus.Scheduled, task.Status);
        Assert.Equal(WaitReason.Delay, (await queues.Api.ExplainTaskWaitAsync(task.Id, CancellationToken.None)).Reason);
        var ended = await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Succeeded);
        Assert.True(ended.StartedAt >= task.DueAt, $"Started at {ended.StartedAt:O}, due at {task.DueAt:O}.");
    }

    [Fact]
    public async Task Tasks_with_one_key_never_run_together()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var (running, most) = (0, 0);
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler(async (_, token) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Delay(30, token);
            Interlocked.Decrement(ref running);
            return null;
        }));
        var request = new SubmitTaskRequest(TaskHandlers.Noop, Concurrency: new TaskConcurrency("account-7", 2));
        await queues.Api.SubmitTasksAsync(project, pool, new SubmitTasksRequest([.. Enumerable.Repeat(request, 20)]), CancellationToken.None);
        await Eventually.TrueAsync(async () => (await queues.Api.GetQueueAsync(project, pool, CancellationToken.None)).Counts.Count == 0, "all tasks have ended");
        Assert.Equal(20, worker.Started.Count);
        Assert.Equal(2, most);
    }

    [Fact]
    public async Task A_deduplication_key_names_one_live_task()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var request = new SubmitTaskRequest(TaskHandlers.Noop, DeduplicationKey: "nightly");
        var first = await queues.SubmitAsync(project, pool, request);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => queues.SubmitAsync(project, pool, request)));
        Assert.All(answers, answer => Assert.Equal(first.Id, answer.Id));
        await queues.Api.CancelTaskAsync(first.Id, new CancelTaskRequest(), CancellationToken.None);
        Assert.NotEqual(first.Id, (await queues.SubmitAsync(project, pool, request)).Id);
    }

    [Fact]
    public async Task Time_limits_end_attempts_and_deadlines_end_tasks()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var missed = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Deadline: DateTimeOffset.UtcNow.AddSeconds(0.5)));
        Assert.Equal("deadline", (await queues.UntilAsync(project, pool, missed.Id, QueueTaskStatus.DeadLettered)).ErrorKind);
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return null;
        }));
        var slow = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, TimeoutSeconds: 1, Retry: Once));
        Assert.Equal("timeout", (await queues.UntilAsync(project, pool, slow.Id, QueueTaskStatus.DeadLettered)).ErrorKind);
    }

    [Fact]
    public async Task What_a_silent_worker_held_is_given_to_another()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Retry: new TaskRetry(FirstDelaySeconds: 0.05)));
        // A worker that lives just long enough to claim.
        await queues.WorkerApi.TaskWorkerHeartbeatAsync("dies-soon", new TaskWorkerHeartbeat(pool, TaskLane.Light, 1, []), CancellationToken.None);
        await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Queued);
        var claimed = await queues.WorkerApi.ClaimTasksAsync(new ClaimTasksRequest("dies-soon", [new TaskMessage(task.Id, 1)]), CancellationToken.None);
        Assert.Equal(1, Assert.Single(claimed.Tasks).Attempt);
        Assert.Empty((await queues.WorkerApi.ClaimTasksAsync(new ClaimTasksRequest("another", [new TaskMessage(task.Id, 1)]), CancellationToken.None)).Tasks);

        await using var worker = await queues.WorkerAsync(pool);
        var ended = await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Succeeded);
        Assert.Equal(2, ended.Attempt);
        var late = new CompleteTasksRequest("dies-soon", [new TaskCompletion(task.Id, 1, TaskOutcome.Succeeded, JsonElement.Parse("\"late\""))]);
        Assert.Equal(0, (await queues.WorkerApi.CompleteTasksAsync(late, CancellationToken.None)).Accepted);
        Assert.Null((await queues.Api.GetQueueTaskAsync(project, pool, task.Id, CancellationToken.None)).Result);
    }

    [Fact]
    public async Task A_stopping_worker_gives_its_tasks_back_uncounted()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var first = await queues.WorkerAsync(pool, handler: new FunctionHandler(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return null;
        }));
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Retry: Once));
        await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Running);
        await first.DisposeAsync();
        await using var second = await queues.WorkerAsync(pool);
        Assert.Equal(1, (await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Succeeded)).Attempt);
    }

    [Fact]
    public async Task A_paused_queue_keeps_its_tasks_and_a_draining_one_takes_no_more()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await queues.Api.PauseQueueAsync(project, pool, CancellationToken.None);
        await using var worker = await queues.WorkerAsync(pool);
        var task = await queues.SubmitAsync(project, pool);
        Assert.Equal(WaitReason.Paused, (await queues.Api.ExplainTaskWaitAsync(task.Id, CancellationToken.None)).Reason);
        await queues.Api.DrainQueueAsync(project, pool, CancellationToken.None);
        await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Succeeded);
        var refused = await Assert.ThrowsAsync<Client.ApiException>(() => queues.SubmitAsync(project, pool));
        Assert.Equal(Contracts.ErrorCodes.QueueDraining, refused.Code);
        Assert.Equal(QueueState.Active, (await queues.Api.ResumeQueueAsync(project, pool, CancellationToken.None)).State);
        await queues.UntilAsync(project, pool, (await queues.SubmitAsync(project, pool)).Id, QueueTaskStatus.Succeeded);
    }

    [Fact]
    public async Task Why_names_capacity_turn_and_limit_in_both_languages()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var first = await queues.SubmitAsync(project, pool);
        var wait = await queues.Api.ExplainTaskWaitAsync(first.Id, CancellationToken.None);
        Assert.Equal((WaitReason.NoCapacity, 1, 0), (wait.Reason, wait.Position, wait.Capacity?.Workers));
        var release = new TaskCompletionSource();
        await using var worker = await queues.WorkerAsync(pool, slots: 1, handler: new FunctionHandler(async (_, token) =>
        {
            await release.Task.WaitAsync(token);
            return null;
        }));
        await queues.UntilAsync(project, pool, first.Id, QueueTaskStatus.Running);
        var more = await queues.Api.SubmitTasksAsync(
            project, pool, new SubmitTasksRequest([.. Enumerable.Repeat(new SubmitTaskRequest(TaskHandlers.Noop), 5)]), CancellationToken.None);
        var last = more.Tasks[^1].Id;
        await Eventually.TrueAsync(async () => (await queues.Api.ExplainTaskWaitAsync(last, CancellationToken.None)).Position == 4, "one of the five is released");
        Assert.Equal(WaitReason.Turn, (await queues.Api.ExplainTaskWaitAsync(last, CancellationToken.None)).Reason);

        await queues.Api.UpdateQueueAsync(project, pool, new UpdateQueueRequest(MaxRunning: 1, Weight: 2), CancellationToken.None);
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/tasks/{last}/why") { Headers = { { "Accept-Language", "zh-CN" } } };
        var chinese = await (await queues.Administrator.SendAsync(request)).ReadAsync<TaskWait>();
        Assert.Equal((WaitReason.Quota, 1), (chinese.Reason, chinese.Limit?.Limit));
        Assert.Contains("上限", chinese.Text);
        release.SetResult();
        await queues.UntilAsync(project, pool, last, QueueTaskStatus.Succeeded);
        Assert.Equal(WaitReason.Ended, (await queues.Api.ExplainTaskWaitAsync(last, CancellationToken.None)).Reason);
    }

    [Fact]
    public async Task Dead_letters_are_inspected_edited_and_replayed()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler((task, _)
            => task.Assignment.Payload?.GetString() == "good" ? Task.FromResult<JsonElement?>(null) : throw new TaskFailedException("invalid", "bad payload")));
        var request = new SubmitTaskRequest(TaskHandlers.Noop, JsonElement.Parse("\"bad\""));
        var ids = (await queues.Api.SubmitTasksAsync(project, pool, new SubmitTasksRequest([request, request, request]), CancellationToken.None)).Tasks;
        await Eventually.TrueAsync(
            async () => (await queues.Api.ListDeadLettersAsync(project, pool, null, null, CancellationToken.None)).Items.Count == 3, "all three are dead letters");
        await queues.Api.EditDeadLetterAsync(project, pool, ids[0].Id, new EditDeadLetterRequest(JsonElement.Parse("\"good\""), TimeoutSeconds: 9), CancellationToken.None);
        Assert.Equal(new ReplayedTasks(1, true), await queues.Api.ReplayTasksAsync(project, pool, new ReplayTasksRequest([ids[0].Id]), CancellationToken.None));
        var ended = await queues.UntilAsync(project, pool, ids[0].Id, QueueTaskStatus.Succeeded);
        Assert.Equal((1, 9), (ended.Attempt, ended.TimeoutSeconds));
        await queues.Api.DiscardDeadLetterAsync(project, pool, ids[1].Id, CancellationToken.None);
        Assert.Equal(new ReplayedTasks(1, false), await queues.Api.ReplayTasksAsync(project, pool, new ReplayTasksRequest(), CancellationToken.None));
        await queues.UntilAsync(project, pool, ids[2].Id, QueueTaskStatus.DeadLettered);
        var refused = await Assert.ThrowsAsync<Client.ApiException>(
            () => queues.Api.EditDeadLetterAsync(project, pool, ids[0].Id, new EditDeadLetterRequest(TimeoutSeconds: 3), CancellationToken.None));
        Assert.Equal(Contracts.ErrorCodes.IllegalTransition, refused.Code);
    }

    [Fact]
    public async Task A_schedule_submits_its_task_each_second_until_it_is_deleted()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool);
        var request = new CreateTaskScheduleRequest("every-second", "* * * * * *", new SubmitTaskRequest(TaskHandlers.Noop, Priority: JobPriority.High));
        var schedule = await queues.Api.CreateTaskScheduleAsync(project, pool, request, CancellationToken.None);
        await Eventually.TrueAsync(() => Task.FromResult(worker.Started.Count >= 2), "two occurrences have run");
        var listed = Assert.Single((await queues.Api.ListTaskSchedulesAsync(project, pool, null, null, CancellationToken.None)).Items);
        Assert.NotNull(listed.LastTaskId);
        await queues.Api.DeleteTaskScheduleAsync(project, pool, schedule.Id, CancellationToken.None);
        Assert.Empty((await queues.Api.ListTaskSchedulesAsync(project, pool, null, null, CancellationToken.None)).Items);
    }
}
