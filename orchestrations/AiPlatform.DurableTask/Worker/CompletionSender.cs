using Grpc.Core;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Reports results, again and again while the hub is away: completions are idempotent, and results are dear.</summary>
internal sealed class CompletionSender(P.TaskHubSidecarService.TaskHubSidecarServiceClient stub, ILogger logger, CancellationToken abandoned)
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);

    /// <summary>True when the hub accepted it.</summary>
    public Task<bool> CompleteAsync(P.OrchestratorResponse response)
        => SendAsync(token => stub.CompleteOrchestratorTaskAsync(response, cancellationToken: token), response.InstanceId);

    /// <summary>True when the hub accepted it.</summary>
    public Task<bool> CompleteAsync(P.ActivityResponse response)
        => SendAsync(token => stub.CompleteActivityTaskAsync(response, cancellationToken: token), response.InstanceId);

    /// <summary>True when the hub accepted it.</summary>
    public Task<bool> CompleteAsync(P.EntityBatchResult result, string instanceId)
        => SendAsync(token => stub.CompleteEntityTaskAsync(result, cancellationToken: token), instanceId);

    /// <summary>Gives a turn back.</summary>
    public Task AbandonTurnAsync(string instanceId, string completionToken)
        => SendAsync(token => stub.AbandonTaskOrchestratorWorkItemAsync(new() { CompletionToken = completionToken }, cancellationToken: token), instanceId);

    /// <summary>Gives an activity back.</summary>
    public Task AbandonActivityAsync(string instanceId, string completionToken)
        => SendAsync(token => stub.AbandonTaskActivityWorkItemAsync(new() { CompletionToken = completionToken }, cancellationToken: token), instanceId);

    /// <summary>Gives a batch of operations back.</summary>
    public Task AbandonEntityAsync(string instanceId, string completionToken)
        => SendAsync(token => stub.AbandonTaskEntityWorkItemAsync(new() { CompletionToken = completionToken }, cancellationToken: token), instanceId);

    private async Task<bool> SendAsync<T>(Func<CancellationToken, AsyncUnaryCall<T>> call, string instanceId)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await call(abandoned);
                return true;
            }
            catch (Exception) when (abandoned.IsCancellationRequested)
            {
                return false;
            }
            catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Unknown or StatusCode.DeadlineExceeded or StatusCode.Internal or StatusCode.Cancelled)
            {
                var ceiling = Math.Min(MaxDelay.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(attempt, 10)));
                await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), abandoned).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (RpcException exception)
            {
                Logs.CompletionRefused(logger, instanceId, exception.Status.ToString());
                return false;
            }
        }
    }
}
