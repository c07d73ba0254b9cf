namespace AiPlatform.Messaging.Administration;

/// <summary>What is in an entity now.</summary>
public sealed class RuntimeProperties
{
    internal RuntimeProperties(string path, AtomElement description)
    {
        Path = path;
        ActiveMessageCount = description.Count("ActiveMessageCount");
        DeadLetterMessageCount = description.Count("DeadLetterMessageCount");
        ScheduledMessageCount = description.Count("ScheduledMessageCount");
        TransferDeadLetterMessageCount = description.Count("TransferDeadLetterMessageCount");
        SizeInBytes = description.Number("SizeInBytes");
        SubscriptionCount = (int)description.Number("SubscriptionCount");
        CreatedAt = description.Time("CreatedAt");
        UpdatedAt = description.Time("UpdatedAt");
        AccessedAt = description.Time("AccessedAt");
    }

    /// <summary>The entity's address.</summary>
    public string Path { get; }

    /// <summary>Messages that can be received, or are held by receivers.</summary>
    public long ActiveMessageCount { get; }

    /// <summary>Dead letters.</summary>
    public long DeadLetterMessageCount { get; }

    /// <summary>Messages whose time has not come.</summary>
    public long ScheduledMessageCount { get; }

    /// <summary>Messages that could not be forwarded.</summary>
    public long TransferDeadLetterMessageCount { get; }

    /// <summary>All messages.</summary>
    public long TotalMessageCount => ActiveMessageCount + DeadLetterMessageCount + ScheduledMessageCount + TransferDeadLetterMessageCount;

    /// <summary>The size of all messages; 0 for a subscription.</summary>
    public long SizeInBytes { get; }

    /// <summary>A topic's subscriptions.</summary>
    public int SubscriptionCount { get; }

    /// <summary>When the entity was created.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>When its settings were last changed.</summary>
    public DateTimeOffset UpdatedAt { get; }

    /// <summary>When it was last sent to or received from.</summary>
    public DateTimeOffset AccessedAt { get; }
}
