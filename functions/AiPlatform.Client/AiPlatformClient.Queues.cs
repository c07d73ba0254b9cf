using System.Net.Http.Headers;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Submits a task to the queue of a project on a pool.</summary>
    public Task<QueueTask> SubmitTaskAsync(string project, string pool, SubmitTaskRequest request, CancellationToken cancellationToken)
        => PostAsync<QueueTask>($"{QueuePath(project, pool)}/tasks", request, cancellationToken);

    /// <summary>Submits up to 10,000 tasks in one transaction.</summary>
    public Task<SubmittedTasks> SubmitTasksAsync(string project, string pool, SubmitTasksRequest request, CancellationToken cancellationToken)
        => PostAsync<SubmittedTasks>($"{QueuePath(project, pool)}/tasks/bulk", request, cancellationToken);

    /// <summary>The tasks of a queue, newest first.</summary>
    public Task<Page<QueueTask>> ListQueueTasksAsync(
        string project, string pool, QueueTaskStatus? status, int? pageSize, string? pageToken, CancellationToken cancellationToken)
    {
        var filter = status is { } wanted ? $"?status={char.ToLowerInvariant(wanted.ToString()[0])}{wanted.ToString()[1..]}" : string.Empty;
        return GetAsync<Page<QueueTask>>(Query($"{QueuePath(project, pool)}/tasks{filter}", pageSize, pageToken), cancellationToken);
    }

    /// <summary>A task of a queue.</summary>
    public Task<QueueTask> GetQueueTaskAsync(string project, string pool, string task, CancellationToken cancellationToken)
        => GetAsync<QueueTask>($"{QueuePath(project, pool)}/tasks/{Escape(task)}", cancellationToken);

    /// <summary>A long operation of any kind.</summary>
    public Task<PlatformTask> GetTaskAsync(string task, CancellationToken cancellationToken) => GetAsync<PlatformTask>($"v1/tasks/{Escape(task)}", cancellationToken);

    /// <summary>Long operations of all kinds, newest first.</summary>
    /// <param name="project">Null for all projects that the caller reaches.</param>
    public Task<Page<PlatformTask>> ListTasksAsync(string? project, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<PlatformTask>>(Query($"v1/tasks{(project is null ? "" : $"?project={Escape(project)}")}", pageSize, pageToken), cancellationToken);

    /// <summary>Why a task waits.</summary>
    public Task<TaskWait> WhyAsync(string task, CancellationToken cancellationToken) => GetAsync<TaskWait>($"v1/tasks/{Escape(task)}/why", cancellationToken);

    /// <summary>Cancels a task of a queue; repeating it is harmless.</summary>
    public Task<CancelledTasks> CancelTaskAsync(string task, CancelTaskRequest request, CancellationToken cancellationToken)
        => PostAsync<CancelledTasks>($"v1/tasks/{Escape(task)}/cancel", request, cancellationToken);

    /// <summary>The queue of a project on a pool, with its counts.</summary>
    public Task<TaskQueue> GetQueueAsync(string project, string pool, CancellationToken cancellationToken)
        => GetAsync<TaskQueue>(QueuePath(project, pool), cancellationToken);

    /// <summary>The queues that the caller reaches.</summary>
    public Task<Page<TaskQueue>> ListQueuesAsync(int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<TaskQueue>>(Query("v1/queues", pageSize, pageToken), cancellationToken);

    /// <summary>Sets a queue's shares and limits.</summary>
    public Task<TaskQueue> UpdateQueueAsync(string project, string pool, UpdateQueueRequest request, CancellationToken cancellationToken)
        => SendAsync<TaskQueue>(HttpMethod.Put, QueuePath(project, pool), Json(request), cancellationToken);

    /// <summary>Keeps tasks and runs none.</summary>
    public Task<TaskQueue> PauseQueueAsync(string project, string pool, CancellationToken cancellationToken)
        => PostAsync<TaskQueue>($"{QueuePath(project, pool)}/pause", null, cancellationToken);

    /// <summary>Takes and runs tasks again.</summary>
    public Task<TaskQueue> ResumeQueueAsync(string project, string pool, CancellationToken cancellationToken)
        => PostAsync<TaskQueue>($"{QueuePath(project, pool)}/resume", null, cancellationToken);

    /// <summary>Takes no more tasks and runs those that are there.</summary>
    public Task<TaskQueue> DrainQueueAsync(string project, string pool, CancellationToken cancellationToken)
        => PostAsync<TaskQueue>($"{QueuePath(project, pool)}/drain", null, cancellationToken);

    /// <summary>Tasks that failed for good, newest first.</summary>
    public Task<Page<QueueTask>> ListDeadLettersAsync(string project, string pool, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<QueueTask>>(Query($"{QueuePath(project, pool)}/dead-letters", pageSize, pageToken), cancellationToken);

    /// <summary>Edits a dead letter before its replay.</summary>
    public Task<QueueTask> EditDeadLetterAsync(string project, string pool, string task, EditDeadLetterRequest request, CancellationToken cancellationToken)
        => SendAsync<QueueTask>(HttpMethod.Put, $"{QueuePath(project, pool)}/dead-letters/{Escape(task)}", Json(request), cancellationToken);

    /// <summary>Replays some dead letters, or all.</summary>
    public Task<ReplayedTasks> ReplayTasksAsync(string project, string pool, ReplayTasksRequest request, CancellationToken cancellationToken)
        => PostAsync<ReplayedTasks>($"{QueuePath(project, pool)}/dead-letters/replay", request, cancellationToken);

    /// <summary>Gives a dead letter up.</summary>
    public Task DiscardDeadLetterAsync(string project, string pool, string task, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"{QueuePath(project, pool)}/dead-letters/{Escape(task)}", null, cancellationToken);

    /// <summary>Creates a schedule.</summary>
    public Task<TaskSchedule> CreateTaskScheduleAsync(string project, string pool, CreateTaskScheduleRequest request, CancellationToken cancellationToken)
        => PostAsync<TaskSchedule>($"{QueuePath(project, pool)}/schedules", request, cancellationToken);

    /// <summary>The schedules of a queue.</summary>
    public Task<Page<TaskSchedule>> ListTaskSchedulesAsync(string project, string pool, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<TaskSchedule>>(Query($"{QueuePath(project, pool)}/schedules", pageSize, pageToken), cancellationToken);

    /// <summary>Deletes a schedule.</summary>
    public Task DeleteTaskScheduleAsync(string project, string pool, string schedule, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"{QueuePath(project, pool)}/schedules/{Escape(schedule)}", null, cancellationToken);

    /// <summary>Uploads a package of Python modules.</summary>
    public Task<TaskPackage> CreateTaskPackageAsync(string project, CreateTaskPackageRequest request, CancellationToken cancellationToken)
        => PostAsync<TaskPackage>($"v1/projects/{Escape(project)}/task-packages", request, cancellationToken);

    /// <summary>A package's content (workers only).</summary>
    public Task<TaskPackageContent> GetTaskPackageContentAsync(string package, CancellationToken cancellationToken)
        => GetAsync<TaskPackageContent>($"v1/queues/packages/{Escape(package)}", cancellationToken);

    /// <summary>Claims released tasks (workers only).</summary>
    public Task<ClaimedTasks> ClaimTasksAsync(ClaimTasksRequest request, CancellationToken cancellationToken)
        => PostAsync<ClaimedTasks>("v1/queues/claims", request, cancellationToken);

    /// <summary>Reports how attempts ended (workers only).</summary>
    public Task<CompletedTasks> CompleteTasksAsync(CompleteTasksRequest request, CancellationToken cancellationToken)
        => PostAsync<CompletedTasks>("v1/queues/completions", request, cancellationToken);

    /// <summary>Keeps the end of an attempt's output, at most <see cref="TaskLogRule.MaxBytes"/> (workers only).</summary>
    public Task PutTaskLogAsync(string task, int fence, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
        => SendAsync<object?>(
            HttpMethod.Put,
            $"v1/queues/executions/{Escape(task)}/log?fence={fence}",
            () => new ReadOnlyMemoryContent(text) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } },
            cancellationToken);

    /// <summary>The end of what an attempt of a queue's task has written; empty when it has written nothing.</summary>
    public Task<string> ReadTaskLogAsync(string task, int attempt, CancellationToken cancellationToken)
        => ReadTextAsync($"v1/tasks/{Escape(task)}/attempts/{attempt}/log", cancellationToken);

    /// <summary>Gives a sign of life and learns what to stop (workers only).</summary>
    public Task<TaskWorkerCommands> TaskWorkerHeartbeatAsync(string worker, TaskWorkerHeartbeat heartbeat, CancellationToken cancellationToken)
        => PostAsync<TaskWorkerCommands>($"v1/queues/workers/{Escape(worker)}/heartbeat", heartbeat, cancellationToken);

    private static string QueuePath(string project, string pool) => $"v1/queues/{Escape(project)}/{Escape(pool)}";
}
