namespace AiPlatform.TaskHub.Engine;

/// <summary>Runs actions when their time has come, under the engine's lock, with one timer for all of them.</summary>
internal sealed class DeadlineQueue : IDisposable
{
    // The longest wait of a platform timer is about 49 days; waking once an hour costs nothing.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly PriorityQueue<Action, DateTime> _queue = new();
    private readonly TimeProvider _time;
    private readonly Lock _gate;
    private readonly Action _after;
    private readonly ITimer _timer;
    private DateTime _armed = DateTime.MaxValue;
    private bool _disposed;

    public DeadlineQueue(TimeProvider time, Lock gate, Action after)
    {
        _time = time;
        _gate = gate;
        _after = after;
        _timer = time.CreateTimer(static state => ((DeadlineQueue)state!).RunDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Adds an action; called under the lock. The action looks for itself whether it is still wanted.</summary>
    public void Add(DateTime due, Action action)
    {
        _queue.Enqueue(action, due);
        Arm();
    }

    public void Dispose()
    {
        _disposed = true;
        _timer.Dispose();
    }

    private void RunDue()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _armed = DateTime.MaxValue;
            var now = _time.GetUtcNow().UtcDateTime;
            while (_queue.TryPeek(out var action, out var due) && due <= now)
            {
                _queue.Dequeue();
                action();
            }

            Arm();
            _after();
        }
    }

    private void Arm()
    {
        if (!_disposed && _queue.TryPeek(out _, out var due) && due < _armed)
        {
            _armed = due;
            var wait = due - _time.GetUtcNow().UtcDateTime;
            if (wait > LongestWait)
            {
                wait = LongestWait;
                _armed = _time.GetUtcNow().UtcDateTime + wait;
            }

            // A millisecond more: timers tick in whole milliseconds, and must not fire before their time.
            _timer.Change(wait <= TimeSpan.Zero ? TimeSpan.Zero : wait + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }
}
