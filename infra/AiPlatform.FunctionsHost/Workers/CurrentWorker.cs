using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost.Workers;

/// <summary>The worker that serves now. While there is none, a bounded number of callers waits for the next.</summary>
internal sealed class CurrentWorker(IOptions<FunctionsHostOptions> options)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<RunningWorker> _next = New();
    private int _waiting;

    /// <summary>The worker that serves, or null while there is none.</summary>
    public RunningWorker? Now => _next.Task is { IsCompletedSuccessfully: true } task ? task.Result : null;

    /// <summary>The worker, waiting for it as long as the options say; null when none came, or too many wait already.</summary>
    public async ValueTask<RunningWorker?> FindAsync(CancellationToken cancellationToken)
    {
        if (Now is { } worker)
        {
            return worker;
        }

        try
        {
            return Interlocked.Increment(ref _waiting) <= options.Value.MaxWaitingRequests
                ? await Next().WaitAsync(options.Value.WorkerWait, cancellationToken)
                : null;
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>The worker, however long it takes.</summary>
    public Task<RunningWorker> WaitAsync(CancellationToken cancellationToken) => Next().WaitAsync(cancellationToken);

    /// <summary>A worker serves from now on.</summary>
    public void Set(RunningWorker worker)
    {
        lock (_lock)
        {
            _next.TrySetResult(worker);
        }
    }

    /// <summary>The worker serves no more.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            if (_next.Task.IsCompleted)
            {
                _next = New();
            }
        }
    }

    private static TaskCompletionSource<RunningWorker> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<RunningWorker> Next()
    {
        lock (_lock)
        {
            return _next.Task;
        }
    }
}
