namespace AiPlatform.Messaging;

/// <summary>What receiving a message does to it.</summary>
public enum ServiceBusReceiveMode
{
    /// <summary>The message is locked until it is settled, abandoned, or its lock ends.</summary>
    PeekLock,

    /// <summary>The message is removed when it is sent to the receiver: at most once.</summary>
    ReceiveAndDelete,
}

/// <summary>A part of a queue that is addressed by itself.</summary>
public enum SubQueue
{
    /// <summary>The queue proper.</summary>
    None = 0,

    /// <summary>The messages that could not be processed.</summary>
    DeadLetter = 1,

    /// <summary>The messages that could not be forwarded.</summary>
    TransferDeadLetter = 2,
}

/// <summary>Settings of a <see cref="ServiceBusReceiver"/>.</summary>
public sealed class ServiceBusReceiverOptions
{
    /// <summary>Messages asked for ahead of a receive call; their locks run while they wait.</summary>
    public int PrefetchCount { get; set; }

    /// <summary>What receiving does.</summary>
    public ServiceBusReceiveMode ReceiveMode { get; set; } = ServiceBusReceiveMode.PeekLock;

    /// <summary>Which part of the queue is read.</summary>
    public SubQueue SubQueue { get; set; }

    /// <summary>A name for the receiver in logs; random when empty.</summary>
    public string Identifier { get; set; } = string.Empty;
}
