using System.Collections.Concurrent;

namespace AiPlatform.FunctionsHost.Rpc;

/// <summary>Workers that were started and have not called yet. A worker's id is its secret: who does not know one is not talked to.</summary>
internal sealed class ExpectedWorkers
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<WorkerChannel>> _waiting = new(StringComparer.Ordinal);

    /// <summary>The conversation with the worker of this id, once it calls.</summary>
    public async Task<WorkerChannel> WaitAsync(string workerId, CancellationToken cancellationToken)
    {
        var call = new TaskCompletionSource<WorkerChannel>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[workerId] = call;
        try
        {
            return await call.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _waiting.TryRemove(workerId, out _);
        }
    }

    /// <summary>A worker calls; false when none of this id is expected, or it has called before.</summary>
    public bool TryAccept(string workerId, WorkerChannel channel)
        => _waiting.TryRemove(workerId, out var call) && call.TrySetResult(channel);
}
