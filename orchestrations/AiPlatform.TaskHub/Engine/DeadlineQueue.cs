namespace AiPlatform.TaskHub.Engine;

/// <summary>An action that runs at its time; nothing of it is kept once it has run or is cancelled.</summary>
internal sealed class Deadline(Action action)
{
    /// <summary>The action; null when it has run or is cancelled.</summary>
    public Action? Action { get; set; } = action;
}

/// <summary>Runs actions when their time has come, under the engine's lock, with one timer for all of them.</summary>
internal sealed class DeadlineQueue : IDisposable
{
    // The longest wait of a platform timer is about 49 days; waking once an hour costs nothing.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private const int MinSweep = 1024;

    private PriorityQueue<Deadline, DateTime> _queue = new();
    private readonly TimeProvider _time;
    private readonly Lock _gate;
    private readonly Action _after;
    private readonly ITimer _timer;
    private DateTime _armed = DateTime.MaxValue;
    private int _cancelled;
    private bool _disposed;

    public DeadlineQueue(TimeProvider time, Lock gate, Action after)
    {
        _time = time;
        _gate = gate;
        _after = after;
        _timer = time.CreateTimer(static state => ((DeadlineQueue)state!).RunDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many wait, cancelled ones that are not swept yet included.</summary>
    public int Count => _queue.Count;

    /// <summary>Adds an action; called under the lock. The action looks for itself whether it is still wanted.</summary>
    public Deadline Add(DateTime due, Action action)
    {
        var deadline = new Deadline(action);
        _queue.Enqueue(deadline, due);
        Arm();
        return deadline;
    }

    /// <summary>
    /// Forgets an action; called under the lock. What is due in a year must not stay in memory for a year: when half of the queue is
    /// cancelled, the other half moves to a new one.
    /// </summary>
    public void Cancel(Deadline deadline)
    {
        if (deadline.Action is null)
        {
            return;
        }

        deadline.Action = null;
        if (++_cancelled >= MinSweep && _cancelled > _queue.Count / 2)
        {
            _queue = new(_queue.UnorderedItems.Where(item => item.Element.Action is not null));
            _cancelled = 0;
        }
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
            while (_queue.TryPeek(out var deadline, out var due) && due <= now)
            {
                _queue.Dequeue();
                if (deadline.Action is { } action)
                {
                    deadline.Action = null;
                    action();
                }
                else
                {
                    _cancelled--;
                }
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
