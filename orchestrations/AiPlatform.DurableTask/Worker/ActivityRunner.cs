using System.Collections.Concurrent;
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
    // By instance, execution and task: what comes of it. Null when it was given up because the worker stops.
    private readonly ConcurrentDictionary<(string InstanceId, string ExecutionId, int TaskId), TaskCompletionSource<P.ActivityResponse?>> _outcomes = new();
    private readonly ConcurrentDictionary<string, bool> _tokens = new(StringComparer.Ordinal);

    /// <summary>Completion tokens of the activities that run.</summary>
    public IEnumerable<string> Running => _tokens.Keys;

    /// <summary>
    /// Runs an activity and reports its result. One that comes again while it runs here, because the hub was restarted say, is not run a
    /// second time: its result answers every delivery.
    /// </summary>
    public async Task RunAsync(P.ActivityRequest request, string completionToken)
    {
        var instanceId = request.OrchestrationInstance?.InstanceId ?? string.Empty;
        var key = (instanceId, request.OrchestrationInstance?.ExecutionId ?? string.Empty, request.TaskId);
        var outcome = new TaskCompletionSource<P.ActivityResponse?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = _outcomes.GetOrAdd(key, outcome);
        _tokens[completionToken] = true;
        try
        {
            if (first == outcome)
            {
                outcome.SetResult(await ExecuteAsync(request, instanceId, completionToken));
            }

            if (await first.Task is { } response)
            {
                await completions.CompleteAsync(first == outcome ? response : new P.ActivityResponse(response) { CompletionToken = completionToken });
            }
            else
            {
                await completions.AbandonActivityAsync(instanceId, completionToken);
            }
        }
        finally
        {
            _tokens.TryRemove(completionToken, out _);
            if (first == outcome)
            {
                _outcomes.TryRemove(key, out _);
            }
        }
    }

    /// <summary>The result; null when the worker stops before there is one: then another, or this one after its restart, does it again.</summary>
    private async Task<P.ActivityResponse?> ExecuteAsync(P.ActivityRequest request, string instanceId, string completionToken)
    {
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
            return null;
        }
        catch (Exception exception)
        {
            Logs.ActivityFailed(logger, exception, instanceId, request.Name);
            response.FailureDetails = TaskFailureDetails.FromException(exception).ToProto();
            span?.SetStatus(ActivityStatusCode.Error, exception.Message);
        }

        return response;
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
