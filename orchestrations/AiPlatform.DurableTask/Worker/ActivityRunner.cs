using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Runs activities, each with services of its own scope.</summary>
internal sealed class ActivityRunner(
    CompletionSender completions,
    DurableTaskRegistry registry,
    DurableTaskWorkerOptions options,
    IServiceProvider services,
    ILogger logger,
    CancellationToken stopping)
{
    public async Task RunAsync(P.ActivityRequest request, string completionToken)
    {
        var instanceId = request.OrchestrationInstance?.InstanceId ?? string.Empty;
        var response = new P.ActivityResponse { InstanceId = instanceId, TaskId = request.TaskId, CompletionToken = completionToken };
        using var span = DurableTaskTracing.StartActivity(request);
        try
        {
            if (registry.Activities.TryGetValue(request.Name, out var factory))
            {
                response.Result = await InvokeAsync(factory, request, instanceId);
            }
            else
            {
                response.FailureDetails = new() { ErrorType = "ActivityTaskNotFound", ErrorMessage = $"No activity named '{request.Name}' is registered.", IsNonRetriable = true };
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Not a failure: another worker, or this one after its restart, does it again.
            await completions.AbandonActivityAsync(instanceId, completionToken);
            return;
        }
        catch (Exception exception)
        {
            Logs.ActivityFailed(logger, exception, instanceId, request.Name);
            response.FailureDetails = TaskFailureDetails.FromException(exception).ToProto();
            span?.SetStatus(ActivityStatusCode.Error, exception.Message);
        }

        span?.Stop();

        await completions.CompleteAsync(response);
    }

    private async Task<string?> InvokeAsync(Func<IServiceProvider, ITaskActivity> factory, P.ActivityRequest request, string instanceId)
    {
        await using var scope = services.CreateAsyncScope();
        var activity = factory(scope.ServiceProvider);
        var input = request.Input is null && activity.InputType.IsValueType
            ? Activator.CreateInstance(activity.InputType)
            : options.DataConverter.Deserialize(request.Input, activity.InputType);
        var result = await activity.RunAsync(new Context(request, instanceId, stopping), input);
        return options.DataConverter.Serialize(result);
    }

    private sealed class Context(P.ActivityRequest request, string instanceId, CancellationToken stopping) : TaskActivityContext
    {
        public override TaskName Name => request.Name;

        public override string InstanceId => instanceId;

        public override int TaskId => request.TaskId;

        public override CancellationToken CancellationToken => stopping;
    }
}
