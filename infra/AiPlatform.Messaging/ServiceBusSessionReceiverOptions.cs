namespace AiPlatform.Messaging;

/// <summary>Settings of a <see cref="ServiceBusSessionReceiver"/>.</summary>
public sealed class ServiceBusSessionReceiverOptions
{
    /// <summary>Messages asked for ahead of a receive call.</summary>
    public int PrefetchCount { get; set; }

    /// <summary>What receiving does.</summary>
    public ServiceBusReceiveMode ReceiveMode { get; set; } = ServiceBusReceiveMode.PeekLock;

    /// <summary>A name for the receiver in logs; random when empty.</summary>
    public string Identifier { get; set; } = string.Empty;

    internal ServiceBusReceiverOptions ToReceiverOptions() => new() { PrefetchCount = PrefetchCount, ReceiveMode = ReceiveMode, Identifier = Identifier };
}
