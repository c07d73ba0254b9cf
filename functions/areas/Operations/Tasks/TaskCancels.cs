using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Operations.Tasks;

/// <summary>Cancels any long operation that the list of tasks shows, by the rules of its kind. What has ended stays as it is.</summary>
internal sealed class TaskCancels(TaskReader reader, OrchestrationTasks orchestrations)
{
    private static readonly CancelledTasks Nothing = new(0, 0);

    /// <summary>Cancels a task; says whether it never ran or is being stopped.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<CancelledTasks> CancelAsync(string id, CancelTaskRequest request, Caller caller, CancellationToken cancellationToken)
    {
        if (await reader.FindAsync(id, caller, cancellationToken) is not { } row)
        {
            return await orchestrations.CancelAsync(id, request.Reason, caller, cancellationToken) ?? throw ApiException.NotFound("task", id);
        }

        var kind = reader.KindOf(row);
        if (IsOver(row) && !kind.HasTrees)
        {
            return Nothing;
        }

        try
        {
            if (await kind.CancelAsync(row.ToReference(), request, cancellationToken) is { } counted)
            {
                return counted;
            }
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.IllegalTransition)
        {
            // Most likely it ended in this moment.
            if (IsOver(await reader.FindAsync(id, caller, cancellationToken)))
            {
                return Nothing;
            }

            throw;
        }

        return IsOver(await reader.FindAsync(id, caller, cancellationToken)) ? new CancelledTasks(1, 0) : new CancelledTasks(0, 1);
    }

    private bool IsOver(TaskRow? row)
        => row is null || reader.KindOf(row).StateOf(row.Status) is TaskState.Succeeded or TaskState.Failed or TaskState.Cancelled;
}
