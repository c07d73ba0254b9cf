using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Grpc.Core;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Operations.Tasks;

/// <summary>Orchestrations of the task hub as long operations. They belong to no project: administrators and services see them.</summary>
internal sealed class OrchestrationTasks(DurableTaskClient client)
{
    /// <summary>A page, in the order of creation.</summary>
    /// <exception cref="ApiException">403; 400 when the page token is not the hub's.</exception>
    public async Task<Page<PlatformTask>> ListAsync(PageRequest page, Caller caller, CancellationToken cancellationToken)
    {
        if (!caller.ReachesEverything)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }

        var pages = client.GetAllInstancesAsync(new OrchestrationQuery(PageSize: page.Size, FetchInputsAndOutputs: true, ContinuationToken: page.Key())).AsPages();
        try
        {
            await foreach (var first in pages.WithCancellation(cancellationToken))
            {
                return new([.. first.Values.Select(ToContract)], first.ContinuationToken is { } next ? PageToken.Encode([next]) : null);
            }
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.InvalidArgument)
        {
            throw new ApiException(ErrorCodes.InvalidPageToken);
        }

        return new([]);
    }

    /// <summary>An orchestration; null when there is none, or the caller does not reach it.</summary>
    public async Task<PlatformTask?> FindAsync(string id, Caller caller, CancellationToken cancellationToken)
        => caller.ReachesEverything && await client.GetInstanceAsync(id, getInputsAndOutputs: true, cancellationToken) is { } instance ? ToContract(instance) : null;

    /// <summary>Terminates an orchestration; null when there is none, or the caller does not reach it.</summary>
    public async Task<CancelledTasks?> CancelAsync(string id, string? reason, Caller caller, CancellationToken cancellationToken)
    {
        if (!caller.ReachesEverything || await client.GetInstanceAsync(id, cancellationToken) is not { } instance)
        {
            return null;
        }

        if (instance.IsCompleted)
        {
            return new CancelledTasks(0, 0);
        }

        await client.TerminateInstanceAsync(id, new TerminateInstanceOptions(reason), cancellationToken);
        return new CancelledTasks(0, 1);
    }

    private static PlatformTask ToContract(OrchestrationMetadata instance) => new(
        instance.InstanceId, null, TaskKinds.Orchestration, instance.Name, State(instance.RuntimeStatus), instance.FailureDetails?.ErrorMessage,
        instance.RuntimeStatus == OrchestrationRuntimeStatus.Completed ? 1 : null,
        $"{ManagementUris.Base}/instances/{Uri.EscapeDataString(instance.InstanceId)}", instance.CreatedAt, null, instance.IsCompleted ? instance.LastUpdatedAt : null);

    private static TaskState State(OrchestrationRuntimeStatus status) => status switch
    {
        OrchestrationRuntimeStatus.Pending => TaskState.Pending,
        OrchestrationRuntimeStatus.Running or OrchestrationRuntimeStatus.Suspended => TaskState.Running,
        OrchestrationRuntimeStatus.Completed => TaskState.Succeeded,
        OrchestrationRuntimeStatus.Failed => TaskState.Failed,
        OrchestrationRuntimeStatus.Terminated => TaskState.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };
}
