namespace AiPlatform.Messaging;

/// <summary>How the wait between attempts grows.</summary>
public enum ServiceBusRetryMode
{
    /// <summary>The same delay each time.</summary>
    Fixed,

    /// <summary>The delay doubles with each attempt, with jitter.</summary>
    Exponential,
}

/// <summary>How often and how patiently an operation is repeated after a transient failure.</summary>
public sealed class ServiceBusRetryOptions
{
    /// <summary>How the wait between attempts grows.</summary>
    public ServiceBusRetryMode Mode { get; set; } = ServiceBusRetryMode.Exponential;

    /// <summary>Repeats after the first attempt.</summary>
    public int MaxRetries { get; set; } = 3;

    /// <summary>The delay, or the first delay when it grows.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(0.8);

    /// <summary>The longest delay.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long one attempt may take, and how long a receive waits when no time is given.</summary>
    public TimeSpan TryTimeout { get; set; } = TimeSpan.FromMinutes(1);

    internal TimeSpan DelayBefore(int retry)
    {
        if (Mode == ServiceBusRetryMode.Fixed)
        {
            return Delay;
        }

        var ceiling = Math.Min(MaxDelay.TotalMilliseconds, Delay.TotalMilliseconds * Math.Pow(2, Math.Min(retry, 20)));

        // Between half and all of the ceiling: clients that failed together do not come back together.
        return TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2)));
    }
}
