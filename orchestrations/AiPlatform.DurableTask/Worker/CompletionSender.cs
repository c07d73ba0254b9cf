using Grpc.Core;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Reports results, again and again while the hub is away: completions are idempotent, and results are dear.</summary>
internal sealed class CompletionSender(P.TaskHubSidecarService.TaskHubSidecarServiceClient stub, ILogger logger, CancellationToken abandoned)
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);

    private volatile CompletionStream? _stream;

    /// <summary>The stream for results, while the hub offers one.</summary>
    public void Use(CompletionStream? stream) => _stream = stream;

    /// <summary>True when the hub accepted it.</summary>
    public Task<bool> CompleteAsync(P.OrchestratorResponse response) => SendAsync(
        token => stub.CompleteOrchestratorTaskAsync(response, cancellationToken: token), response.InstanceId,
        CompletionStream.Takes(response) ? new P.Completion { Orchestrator = response } : null);

    /// <summary>True when the hub accepted it.</summary>
    public Task<bool> CompleteAsync(P.ActivityResponse response) => SendAsync(
        token => stub.CompleteActivityTaskAsync(response, cancellationToken: token), response.InstanceId,
        CompletionStream.Takes(response) ? new P.Completion { Activity = response } : null);

    /// <summary>True when the hub accepted it.</summary>
    public Task<bool> CompleteAsync(P.EntityBatchResult result, string instanceId) => SendAsync(
        token => stub.CompleteEntityTaskAsync(result, cancellationToken: token), instanceId,
        CompletionStream.Takes(result) ? new P.Completion { Entity = result } : null);

    /// <summary>Gives a turn back.</summary>
    public Task AbandonTurnAsync(string instanceId, string completionToken)
        => SendAsync(token => stub.AbandonTaskOrchestratorWorkItemAsync(new() { CompletionToken = completionToken }, cancellationToken: token), instanceId);

    /// <summary>Gives an activity back.</summary>
    public Task AbandonActivityAsync(string instanceId, string completionToken)
        => SendAsync(token => stub.AbandonTaskActivityWorkItemAsync(new() { CompletionToken = completionToken }, cancellationToken: token), instanceId);

    /// <summary>Gives a batch of operations back.</summary>
    public Task AbandonEntityAsync(string instanceId, string completionToken)
        => SendAsync(token => stub.AbandonTaskEntityWorkItemAsync(new() { CompletionToken = completionToken }, cancellationToken: token), instanceId);

    private async Task<bool> SendAsync<T>(Func<CancellationToken, AsyncUnaryCall<T>> call, string instanceId, P.Completion? item = null)
    {
        for (var attempt = 0; ; attempt++)
        {
            var status = await TryAsync(call, attempt == 0 ? item : null);
            switch (status.StatusCode)
            {
                case StatusCode.OK:
                    return true;
                case var _ when abandoned.IsCancellationRequested:
                    return false;
                case StatusCode.Unavailable or StatusCode.Unknown or StatusCode.DeadlineExceeded or StatusCode.Internal or StatusCode.Cancelled:
                    var ceiling = Math.Min(MaxDelay.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(attempt, 10)));
                    await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), abandoned).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    break;
                default:
                    Logs.CompletionRefused(logger, instanceId, status.ToString());
                    return false;
            }
        }
    }

    private async Task<Status> TryAsync<T>(Func<CancellationToken, AsyncUnaryCall<T>> call, P.Completion? item)
    {
        if (item is not null && _stream is { } stream)
        {
            return await stream.SendAsync(item);
        }

        try
        {
            await call(abandoned);
            return Status.DefaultSuccess;
        }
        catch (RpcException exception)
        {
            return exception.Status;
        }
        catch (Exception) when (abandoned.IsCancellationRequested)
        {
            return Status.DefaultCancelled;
        }
    }
}
