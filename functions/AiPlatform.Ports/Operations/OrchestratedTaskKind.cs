using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;

namespace AiPlatform.Ports.Operations;

/// <summary>A kind of operation that an orchestration carries to its end: it waits for its turn, runs, and ends once.</summary>
public abstract class OrchestratedTaskKind : ITaskKind
{
    /// <inheritdoc />
    public abstract string Kind { get; }

    /// <inheritdoc />
    public abstract TaskSource Source { get; }

    /// <inheritdoc />
    public abstract TaskState StateOf(string status);

    /// <inheritdoc />
    public virtual string? Told(string? reason) => Sentences.Told(reason);

    /// <inheritdoc />
    public Task<TaskWait> ExplainAsync(TaskReference task, bool chinese, CancellationToken cancellationToken)
    {
        var reason = StateOf(task.Status) switch
        {
            TaskState.Pending => WaitsFor(task),
            TaskState.Running => WaitReason.Running,
            _ => WaitReason.Ended,
        };
        return Task.FromResult(new TaskWait(task.Id, reason, ErrorCatalog.Message("why.job", chinese, Kind, task.Status, task.Reason).TrimEnd()));
    }

    /// <inheritdoc />
    public async Task<CancelledTasks?> CancelAsync(TaskReference task, CancelTaskRequest request, CancellationToken cancellationToken)
    {
        await CancelAsync(task, request.Reason, cancellationToken);
        return null;
    }

    /// <inheritdoc />
    public virtual Task<Stream> OpenLogAsync(TaskReference task, int attempt, CancellationToken cancellationToken) => throw ApiException.NotFound("task", task.Id);

    /// <summary>Asks an operation to stop.</summary>
    protected abstract Task CancelAsync(TaskReference task, string? reason, CancellationToken cancellationToken);

    /// <summary>What an operation that has not begun waits for.</summary>
    protected virtual WaitReason WaitsFor(TaskReference task) => WaitReason.Turn;
}
