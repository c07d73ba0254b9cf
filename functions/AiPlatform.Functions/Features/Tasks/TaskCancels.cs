using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Functions.Features.Datasets.Imports;
using AiPlatform.Functions.Features.Jobs;
using AiPlatform.Functions.Features.Quality;
using AiPlatform.Functions.Features.Queues;
using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Tasks;

/// <summary>Cancels any long operation that the list of tasks shows, by the rules of its kind. What has ended stays as it is.</summary>
internal sealed class TaskCancels(
    TaskReader reader, OrchestrationTasks orchestrations, TaskStore queueTasks, TaskCancellation queueCancellation, JobLifecycle jobs,
    DatasetImportStore imports, QualityReportStore reports)
{
    private static readonly CancelledTasks Nothing = new(0, 0);

    /// <summary>Cancels a task; says whether it never ran or is being stopped.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<CancelledTasks> CancelAsync(string id, CancelTaskRequest request, Caller caller, CancellationToken cancellationToken)
    {
        if (await queueTasks.FindAsync(id, caller, cancellationToken) is { } queueTask)
        {
            return await queueCancellation.CancelAsync(queueTask, request, cancellationToken);
        }

        if (await reader.FindAsync(id, caller, cancellationToken) is not { } row)
        {
            return await orchestrations.CancelAsync(id, request.Reason, caller, cancellationToken) ?? throw ApiException.NotFound("task", id);
        }

        if (IsOver(row))
        {
            return Nothing;
        }

        try
        {
            await CancelAsync(row, request.Reason, cancellationToken);
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

    private async Task CancelAsync(TaskViewRow row, string? reason, CancellationToken cancellationToken)
    {
        switch (row.Kind)
        {
            case TaskReader.JobKind:
                await jobs.CancelAsync(row.Id, reason, cancellationToken);
                break;
            case TaskReader.ImportKind:
                await imports.CancelAsync(row.ProjectId, row.Id, cancellationToken);
                break;
            case TaskReader.ReportKind:
                await reports.CancelAsync(row.Id, cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"Nothing says how a task of the kind {row.Kind} is cancelled.");
        }
    }

    private static bool IsOver(TaskViewRow? row) => row is null || row.ToContract().State is TaskState.Succeeded or TaskState.Failed or TaskState.Cancelled;
}
