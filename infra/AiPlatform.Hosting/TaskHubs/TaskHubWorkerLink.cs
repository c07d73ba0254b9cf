using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>
/// Between a worker and its hub: knows whether work can arrive, for health checks, and waits for a hub that is away, so that the worker
/// is back as soon as the hub is and not when its back-off is over.
/// </summary>
/// <param name="time">Measures the waits.</param>
public sealed class TaskHubWorkerLink(TimeProvider time) : Interceptor
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private volatile string? _reason = "It has not connected yet.";

    /// <summary>Whether work items can arrive.</summary>
    public bool IsConnected => _reason is null;

    /// <summary>Why the worker is not connected; null when it is.</summary>
    public string? Reason => _reason;

    /// <inheritdoc />
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        => context.Method.Name == "Hello"
            ? new(GreetAsync(request, context, continuation), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { })
            : continuation(request, context);

    /// <inheritdoc />
    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation)
    {
        var call = continuation(request, context);
        return context.Method.Name == "GetWorkItems"
            ? new(new WorkItems<TResponse>(this, call), call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose)
            : call;
    }

    private async Task<TResponse> GreetAsync<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        where TRequest : class
        where TResponse : class
    {
        while (true)
        {
            try
            {
                return await continuation(request, context).ConfigureAwait(false);
            }
            catch (RpcException exception)
            {
                _reason = exception.Status.ToString();
                if (exception.StatusCode != StatusCode.Unavailable || time.GetUtcNow() + RetryDelay >= context.Options.Deadline)
                {
                    throw;
                }
            }

            await Task.Delay(RetryDelay, time, context.Options.CancellationToken).ConfigureAwait(false);
        }
    }

    private sealed class WorkItems<T>(TaskHubWorkerLink link, AsyncServerStreamingCall<T> call) : IAsyncStreamReader<T>
    {
        private bool _isConnected;

        public T Current => call.ResponseStream.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            try
            {
                if (!_isConnected)
                {
                    await call.ResponseHeadersAsync.WaitAsync(cancellationToken).ConfigureAwait(false);
                    (_isConnected, link._reason) = (true, null);
                }

                if (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
                {
                    return true;
                }
            }
            catch (Exception exception)
            {
                link._reason = exception.Message;
                throw;
            }

            link._reason = "The hub ended the connection.";
            return false;
        }
    }
}
