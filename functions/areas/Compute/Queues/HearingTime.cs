namespace AiPlatform.Compute.Queues;

/// <summary>
/// Since when this process could have heard workers. Leases that ended while it was not running, without a database, or suspended say
/// nothing about the workers.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="lease">How long it must have listened before it calls anybody silent.</param>
internal sealed class HearingTime(TimeProvider time, TimeSpan lease)
{
    private readonly Lock _lock = new();
    private DateTimeOffset _since = DateTimeOffset.MaxValue;
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    /// <summary>Whether it has listened for a whole lease without interruption.</summary>
    public bool HasListened
    {
        get
        {
            lock (_lock)
            {
                return _since != DateTimeOffset.MaxValue && time.GetUtcNow() - _since >= lease;
            }
        }
    }

    /// <summary>It listens now; regularly called, about every <paramref name="interval"/>.</summary>
    public void Listen(TimeSpan interval)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_since == DateTimeOffset.MaxValue || now - _last > interval + (lease / 2))
            {
                _since = now;
            }

            _last = now;
        }
    }

    /// <summary>Workers could not have been heard.</summary>
    public void Interrupt()
    {
        lock (_lock)
        {
            _since = DateTimeOffset.MaxValue;
        }
    }
}
