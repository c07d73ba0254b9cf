using AiPlatform.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Entities;

/// <summary>Runs batches of operations, each with services of its own scope.</summary>
internal sealed class EntityRunner(
    CompletionSender completions, DurableTaskRegistry registry, DurableTaskWorkerOptions options, TimeProvider time, IServiceProvider services, ILogger logger)
{
    /// <summary>Runs a batch in the form that names operations as history events, as the managed scheduler sends it.</summary>
    public Task RunAsync(P.EntityRequest request, string completionToken)
    {
        var batch = new P.EntityBatchRequest { InstanceId = request.InstanceId, EntityState = request.EntityState };
        var infos = new List<P.OperationInfo>();
        foreach (var item in request.OperationRequests)
        {
            if (item.EntityOperationCalled is { } called)
            {
                batch.Operations.Add(new P.OperationRequest { Operation = called.Operation, RequestId = called.RequestId, Input = called.Input });
                var caller = new P.OrchestrationInstance { InstanceId = called.ParentInstanceId, ExecutionId = called.ParentExecutionId };
                infos.Add(new() { RequestId = called.RequestId, ResponseDestination = caller });
            }
            else if (item.EntityOperationSignaled is { } signaled)
            {
                batch.Operations.Add(new P.OperationRequest { Operation = signaled.Operation, RequestId = signaled.RequestId, Input = signaled.Input });
                infos.Add(new() { RequestId = signaled.RequestId });
            }
        }

        return RunAsync(batch, completionToken, infos);
    }

    /// <summary>Runs a batch in the older form.</summary>
    public Task RunAsync(P.EntityBatchRequest request, string completionToken) => RunAsync(request, completionToken, []);

    private async Task RunAsync(P.EntityBatchRequest request, string completionToken, List<P.OperationInfo> infos)
    {
        try
        {
            var id = EntityInstanceId.FromString(request.InstanceId);
            var result = registry.Entities.TryGetValue(id.Name, out var factory)
                ? await InvokeAsync(id, factory, request)
                : NotFound(id, request);
            result.CompletionToken = completionToken;
            result.OperationInfos.AddRange(infos);
            await completions.CompleteAsync(result, request.InstanceId);
        }
        catch (Exception exception)
        {
            // Not the operations' own failures, which are results: the entity could not be made, or its address is wrong.
            Logs.BatchFailed(logger, exception, request.InstanceId);
            await completions.AbandonEntityAsync(request.InstanceId, completionToken);
        }
    }

    private async Task<P.EntityBatchResult> InvokeAsync(EntityInstanceId id, Func<IServiceProvider, ITaskEntity> factory, P.EntityBatchRequest request)
    {
        await using var scope = services.CreateAsyncScope();
        return await new EntityBatch(id, request.EntityState, options.DataConverter, time).RunAsync(factory(scope.ServiceProvider), request.Operations);
    }

    private static P.EntityBatchResult NotFound(EntityInstanceId id, P.EntityBatchRequest request)
    {
        var details = new P.TaskFailureDetails { ErrorType = "EntityTaskNotFound", ErrorMessage = $"No entity named '{id.Name}' is registered.", IsNonRetriable = true };
        return new()
        {
            EntityState = request.EntityState,
            Results = { request.Operations.Select(_ => new P.OperationResult { Failure = new() { FailureDetails = details } }) },
        };
    }
}
