namespace AiPlatform.Messaging;

/// <summary>Settings of a <see cref="ServiceBusSessionProcessor"/>.</summary>
public sealed class ServiceBusSessionProcessorOptions
{
    /// <summary>Messages asked for ahead in each session.</summary>
    public int PrefetchCount { get; set; }

    /// <summary>What receiving does.</summary>
    public ServiceBusReceiveMode ReceiveMode { get; set; } = ServiceBusReceiveMode.PeekLock;

    /// <summary>Whether a message is completed when its handler returns, and abandoned when it throws.</summary>
    public bool AutoCompleteMessages { get; set; } = true;

    /// <summary>How long a session's lock is renewed while it is processed. Zero: never. <see cref="Timeout.InfiniteTimeSpan"/>: always.</summary>
    public TimeSpan MaxAutoLockRenewalDuration { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Sessions that are held at once.</summary>
    public int MaxConcurrentSessions { get; set; } = 8;

    /// <summary>Handlers that may run at once in one session; with more than one, a session's messages are not handled in order.</summary>
    public int MaxConcurrentCallsPerSession { get; set; } = 1;

    /// <summary>How long a session is kept without a message; <see cref="ServiceBusRetryOptions.TryTimeout"/> when not given.</summary>
    public TimeSpan? SessionIdleTimeout { get; set; }

    /// <summary>The sessions to process; every session that has messages when empty.</summary>
    public IList<string> SessionIds { get; } = [];

    /// <summary>A name for the processor in logs; random when empty.</summary>
    public string Identifier { get; set; } = string.Empty;
}
