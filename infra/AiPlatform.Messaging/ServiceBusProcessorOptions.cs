namespace AiPlatform.Messaging;

/// <summary>Settings of a <see cref="ServiceBusProcessor"/>.</summary>
public sealed class ServiceBusProcessorOptions
{
    /// <summary>Messages asked for ahead; their locks run while they wait.</summary>
    public int PrefetchCount { get; set; }

    /// <summary>What receiving does.</summary>
    public ServiceBusReceiveMode ReceiveMode { get; set; } = ServiceBusReceiveMode.PeekLock;

    /// <summary>Whether a message is completed when its handler returns, and abandoned when it throws.</summary>
    public bool AutoCompleteMessages { get; set; } = true;

    /// <summary>How long a message's lock is renewed while its handler runs. Zero: never. <see cref="Timeout.InfiniteTimeSpan"/>: always.</summary>
    public TimeSpan MaxAutoLockRenewalDuration { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Handlers that may run at once.</summary>
    public int MaxConcurrentCalls { get; set; } = 1;

    /// <summary>Which part of the queue is read.</summary>
    public SubQueue SubQueue { get; set; }

    /// <summary>A name for the processor in logs; random when empty.</summary>
    public string Identifier { get; set; } = string.Empty;
}
