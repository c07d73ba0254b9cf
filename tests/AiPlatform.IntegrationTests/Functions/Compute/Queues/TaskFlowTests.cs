using System.Collections.Concurrent;
using System.Text.Json;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.TaskWorker;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

[Collection(ComputeCollection.Name)]
public sealed class TaskFlowTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    [Fact]
    public async Task A_task_runs_once_and_is_seen_as_a_platform_task()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler((_, _) => Task.FromResult<JsonElement?>(JsonElement.Parse("{\"x\":1}"))));
        var submitted = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, JsonElement.Parse("[1]"), "first"));
        var task = await queues.UntilAsync(project, pool, submitted.Id, QueueTaskStatus.Succeeded);
        Assert.Equal((1, 1.0, "{\"x\":1}"), (task.Attempt, task.Progress, task.Result?.GetRawText()));
        Assert.Equal(JsonValueKind.Array, Assert.Single(worker.Started).Payload?.ValueKind);
        var view = await queues.Api.GetTaskAsync(submitted.Id, CancellationToken.None);
        Assert.Equal(("queueTask", "first", TaskState.Succeeded), (view.Kind, view.Name, view.State));
        Assert.Contains((await queues.Administrator.GetAsync<Contracts.Page<PlatformTask>>($"/v1/tasks?project={project}")).Items, item => item.Id == submitted.Id);
    }

    [Fact]
    public async Task Ten_thousand_tasks_of_one_call_all_run_exactly_once_with_two_instances()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, slots: 64);
        await using var second = await queues.WorkerAsync(pool, slots: 64);
        var request = new SubmitTasksRequest([.. Enumerable.Repeat(new SubmitTaskRequest(TaskHandlers.Noop), 10_000)]);
        var submitted = await queues.Api.SubmitTasksAsync(project, pool, request, CancellationToken.None);
        Assert.Equal(10_000, submitted.Tasks.Select(task => task.Id).Distinct().Count());
        await Eventually.TrueAsync(
            async () => (await queues.Api.GetQueueAsync(project, pool, CancellationToken.None)).Counts.Count == 0, "all tasks have ended", TimeSpan.FromSeconds(60));
        var runs = worker.Started.Concat(second.Started).Select(run => run.TaskId).ToList();
        Assert.Equal(submitted.Tasks.Select(task => task.Id).Order(), runs.Order());
    }

    [Fact]
    public async Task More_important_tasks_overtake_those_that_wait()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var low = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Priority: JobPriority.Low));
        var normal = await queues.SubmitAsync(project, pool);
        var critical = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Priority: JobPriority.Critical));
        var gate = new ConcurrentQueue<string>();
        await using var worker = await queues.WorkerAsync(pool, slots: 1, handler: new FunctionHandler(async (task, token) =>
        {
            gate.Enqueue(task.Assignment.TaskId);
            await Task.Delay(50, token);
            return null;
        }));
        await queues.UntilAsync(project, pool, low.Id, QueueTaskStatus.Succeeded);
        await queues.UntilAsync(project, pool, normal.Id, QueueTaskStatus.Succeeded);
        Assert.Equal(low.Id, gate.Last());
        Assert.Contains(critical.Id, gate.Take(2));
    }

    [Fact]
    public async Task A_failed_attempt_is_repeated_and_the_last_one_is_dead_lettered()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler((task, _)
            => task.Assignment.Attempt < 3 ? throw new TaskFailedException("http.503", "busy") : throw new InvalidOperationException("broken")));
        var retry = new TaskRetry(MaxAttempts: 5, FirstDelaySeconds: 0.05, RetryOn: ["http.5*"]);
        var submitted = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Retry: retry));
        var task = await queues.UntilAsync(project, pool, submitted.Id, QueueTaskStatus.DeadLettered);
        Assert.Equal((3, "error"), (task.Attempt, task.ErrorKind));
        Assert.Contains("broken", task.Reason);
        Assert.Equal([1, 2, 3], worker.Started.Select(run => run.Attempt));
    }

    [Fact]
    public async Task A_running_task_is_cancelled_through_its_worker_and_a_waiting_one_at_once()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var waiting = await queues.SubmitAsync(project, pool);
        var reached = await queues.Api.CancelTaskAsync(waiting.Id, new CancelTaskRequest("not needed"), CancellationToken.None);
        Assert.Equal(new CancelledTasks(1, 0), reached);
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return null;
        }));
        var running = await queues.SubmitAsync(project, pool);
        await queues.UntilAsync(project, pool, running.Id, QueueTaskStatus.Running);
        Assert.Equal(new CancelledTasks(0, 1), await queues.Api.CancelTaskAsync(running.Id, new CancelTaskRequest("enough"), CancellationToken.None));
        await queues.UntilAsync(project, pool, running.Id, QueueTaskStatus.Cancelled);
        Assert.Equal("not needed", (await queues.UntilAsync(project, pool, waiting.Id, QueueTaskStatus.Cancelled)).Reason);
        Assert.Equal(new CancelledTasks(0, 0), await queues.Api.CancelTaskAsync(running.Id, new CancelTaskRequest(), CancellationToken.None));
    }
}
