using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Compute.Queues;

/// <summary>Tasks of queues among all other tasks.</summary>
internal sealed class QueueTaskKind(TaskStore store, TaskCancellation cancellation, WaitExplanation explanation, TaskLogs logs) : ITaskKind
{
    /// <inheritdoc />
    public string Kind => TaskKinds.QueueTask;

    /// <inheritdoc />
    public TaskSource Source { get; } = new(
        $"""
        SELECT t.id, q.project_id, '{TaskKinds.QueueTask}' AS kind, coalesce(t.name, t.handler) AS name, t.status, t.reason,
            '/v1/queues/' || q.project_id || '/' || q.pool || '/tasks/' || t.id AS link, t.progress, t.created_at, t.started_at, t.ended_at
        FROM queue_tasks t JOIN queues q ON q.id = t.queue_id
        """,
        Id: "t.id",
        Live: "true",
        Within: "t.queue_id = o.id",
        Parents: "JOIN queues o ON o.project_id = p.id");

    /// <inheritdoc />
    public bool HasTrees => true;

    /// <inheritdoc />
    public TaskState StateOf(string status) => Enum.Parse<QueueTaskStatus>(status, ignoreCase: true) switch
    {
        QueueTaskStatus.Running => TaskState.Running,
        QueueTaskStatus.Succeeded => TaskState.Succeeded,
        QueueTaskStatus.DeadLettered => TaskState.Failed,
        QueueTaskStatus.Cancelled or QueueTaskStatus.Skipped => TaskState.Cancelled,
        QueueTaskStatus.Blocked or QueueTaskStatus.Scheduled or QueueTaskStatus.Limited or QueueTaskStatus.Ready or QueueTaskStatus.Queued => TaskState.Pending,
        var other => throw new ArgumentOutOfRangeException(nameof(status), other, "Unknown status."),
    };

    /// <inheritdoc />
    public string? Told(string? reason) => Sentences.Told(reason);

    /// <inheritdoc />
    public async Task<TaskWait> ExplainAsync(TaskReference task, bool chinese, CancellationToken cancellationToken)
        => await explanation.ExplainAsync(await RowAsync(task, cancellationToken), chinese, cancellationToken);

    /// <inheritdoc />
    public async Task<CancelledTasks?> CancelAsync(TaskReference task, CancelTaskRequest request, CancellationToken cancellationToken)
        => await cancellation.CancelAsync(await RowAsync(task, cancellationToken), request, cancellationToken);

    /// <inheritdoc />
    public async Task<Stream> OpenLogAsync(TaskReference task, int attempt, CancellationToken cancellationToken)
        => await logs.ReadAsync(await RowAsync(task, cancellationToken), attempt, cancellationToken);

    private async Task<QueueTaskRow> RowAsync(TaskReference task, CancellationToken cancellationToken)
        => await store.FindAsync(task.Id, cancellationToken) ?? throw ApiException.NotFound("task", task.Id);
}
