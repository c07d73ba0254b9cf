using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>What waited for a task goes on in the answer to its report, where a round of dispatch would have released it.</summary>
[Collection(ComputeCollection.Name)]
public sealed class TaskHandoverTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    [Fact]
    public async Task A_report_brings_what_waited_for_it_and_its_repeat_brings_it_again()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var ids = await SubmitAsync(project, pool, new("first"), new("second", "first"), new("third", "second"));
        await ClaimAsync(project, pool, ids[0]);

        var next = Assert.Single((await ReportAsync(pool, ids[0], takes: 1)).Next);
        Assert.Equal((ids[1], 1, 1), (next.TaskId, next.Fence, next.Attempt));
        await queues.UntilAsync(project, pool, ids[1], QueueTaskStatus.Running);

        // The answer may have been lost.
        var again = await ReportAsync(pool, ids[0], takes: 1);
        Assert.Equal((0, ids[1]), (again.Accepted, Assert.Single(again.Next).TaskId));

        // Somebody who takes nothing leaves it to the broker.
        Assert.Empty((await ReportAsync(pool, ids[1], takes: 0)).Next);
        await queues.UntilAsync(project, pool, ids[2], QueueTaskStatus.Queued);
    }

    [Fact]
    public async Task A_report_brings_no_more_than_was_reported_and_the_rest_goes_its_usual_way()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var ids = await SubmitAsync(project, pool, new("root"), new("a", "root"), new("b", "root"), new("c", "root"));
        await ClaimAsync(project, pool, ids[0], slots: 4);
        var next = Assert.Single((await ReportAsync(pool, ids[0], takes: 10)).Next);
        foreach (var other in ids[1..].Where(id => id != next.TaskId))
        {
            await queues.UntilAsync(project, pool, other, QueueTaskStatus.Queued);
        }
    }

    [Fact]
    public async Task What_is_more_important_comes_before_what_waited_for_the_report()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var ids = await SubmitAsync(project, pool, new("first"), new("second", "first"));
        await ClaimAsync(project, pool, ids[0], slots: 1);
        var filler = await queues.SubmitAsync(project, pool);
        await queues.UntilAsync(project, pool, filler.Id, QueueTaskStatus.Queued);
        var urgent = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Noop, Priority: JobPriority.Critical));
        Assert.Equal(QueueTaskStatus.Ready, urgent.Status);
        Assert.Equal(urgent.Id, Assert.Single((await ReportAsync(pool, ids[0], takes: 1)).Next).TaskId);
        Assert.Equal(QueueTaskStatus.Ready, (await queues.Api.GetQueueTaskAsync(project, pool, ids[1], CancellationToken.None)).Status);
    }

    [Fact]
    public async Task A_paused_queue_and_a_failure_that_is_repeated_bring_nothing()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var ids = await SubmitAsync(project, pool, new("first"), new("second", "first"), new("failing"), new("after", "failing"));
        await ClaimAsync(project, pool, ids[0], slots: 4);
        await ClaimAsync(project, pool, ids[2], slots: 4);
        await queues.Api.PauseQueueAsync(project, pool, CancellationToken.None);
        Assert.Empty((await ReportAsync(pool, ids[0], takes: 1)).Next);
        await queues.UntilAsync(project, pool, ids[1], QueueTaskStatus.Ready);

        Assert.Empty((await ReportAsync(pool, ids[2], takes: 1, TaskOutcome.Failed)).Next);
        await queues.Api.ResumeQueueAsync(project, pool, CancellationToken.None);
        await queues.UntilAsync(project, pool, ids[1], QueueTaskStatus.Queued);
        Assert.Equal(QueueTaskStatus.Blocked, (await queues.Api.GetQueueTaskAsync(project, pool, ids[3], CancellationToken.None)).Status);

        // The repeat has a time of its own, which nobody but the report knew.
        var retried = await queues.Api.GetQueueTaskAsync(project, pool, ids[2], CancellationToken.None);
        Assert.Equal(1, retried.Attempt);
        await queues.UntilAsync(project, pool, ids[2], QueueTaskStatus.Queued);
    }

    [Fact]
    public async Task Chains_that_cross_end_each_step_once_and_leave_nothing_counted()
    {
        const int Chains = 8;
        const int Steps = 40;
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        await using var one = await queues.WorkerAsync(pool, slots: 4);
        await using var two = await queues.WorkerAsync(pool, slots: 4);

        // Each step also waits for its neighbour's last one, so that the two workers settle the same dependents at the same time.
        var nodes = Enumerable.Range(0, Steps).SelectMany(step => Enumerable.Range(0, Chains).Select(chain => new Node(
            $"c{chain}-{step}", step == 0 ? [] : [$"c{chain}-{step - 1}", $"c{(chain + 1) % Chains}-{step - 1}"]))).ToArray();
        var ids = await SubmitAsync(project, pool, nodes);
        foreach (var last in ids[^Chains..])
        {
            await queues.UntilAsync(project, pool, last, QueueTaskStatus.Succeeded);
        }

        Assert.Equal(ids.Order(), one.Started.Concat(two.Started).Select(static start => start.TaskId).Order());
        var queue = await queues.Api.GetQueueAsync(project, pool, CancellationToken.None);
        Assert.Empty(queue.Counts);
    }

    private async Task<string[]> SubmitAsync(string project, string pool, params Node[] nodes)
    {
        var tasks = nodes.Select(static node => new SubmitTaskRequest(
            TaskHandlers.Noop, Ref: node.Name, Retry: new TaskRetry(FirstDelaySeconds: 0.05), DependsOn: node.After.Length == 0 ? null : new TaskDependencies(node.After))).ToList();
        return [.. (await queues.Api.SubmitTasksAsync(project, pool, new SubmitTasksRequest(tasks), CancellationToken.None)).Tasks.Select(static task => task.Id)];
    }

    private async Task ClaimAsync(string project, string pool, string id, int slots = 1)
    {
        await queues.WorkerApi.TaskWorkerHeartbeatAsync(Worker(pool), new TaskWorkerHeartbeat(pool, TaskLane.Light, slots, []), CancellationToken.None);
        await queues.UntilAsync(project, pool, id, QueueTaskStatus.Queued);
        Assert.Single((await queues.WorkerApi.ClaimTasksAsync(new ClaimTasksRequest(Worker(pool), [new TaskMessage(id, 1)]), CancellationToken.None)).Tasks);
    }

    private static string Worker(string pool) => $"hands-over-{pool}";

    private Task<CompletedTasks> ReportAsync(string pool, string id, int takes, TaskOutcome outcome = TaskOutcome.Succeeded)
        => queues.WorkerApi.CompleteTasksAsync(new CompleteTasksRequest(Worker(pool), [new TaskCompletion(id, 1, outcome)], takes), CancellationToken.None);

    private sealed record Node(string Name, params string[] After);
}
