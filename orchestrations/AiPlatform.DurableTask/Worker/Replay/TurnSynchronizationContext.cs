namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>
/// Keeps an orchestrator's continuations in order and on the thread of its turn. What comes from another thread was awaited
/// outside the context and cannot be replayed: it is remembered as a violation.
/// </summary>
internal sealed class TurnSynchronizationContext : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _queue = new();
    private volatile int _threadId;

    /// <summary>The orchestrator continued on a foreign thread.</summary>
    public bool IsViolated { get; private set; }

    /// <summary>Runs an action and everything that it sets going.</summary>
    public void Run(Action action)
    {
        var outer = Current;
        SetSynchronizationContext(this);
        _threadId = Environment.CurrentManagedThreadId;
        try
        {
            action();
            while (_queue.TryDequeue(out var work))
            {
                work.Callback(work.State);
            }
        }
        finally
        {
            _threadId = 0;
            SetSynchronizationContext(outer);
        }
    }

    /// <inheritdoc />
    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId == _threadId)
        {
            _queue.Enqueue((d, state));
        }
        else
        {
            IsViolated = true;
        }
    }

    /// <inheritdoc />
    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Orchestrator code cannot wait synchronously.");

    /// <inheritdoc />
    public override SynchronizationContext CreateCopy() => this;
}
