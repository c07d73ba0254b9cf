using Amqp;

namespace AiPlatform.Messaging;

/// <summary>Where a message is in its life.</summary>
public enum ServiceBusMessageState
{
    /// <summary>Waiting for a receiver, or locked by one.</summary>
    Active = 0,

    /// <summary>Set aside; received only by its sequence number.</summary>
    Deferred = 1,

    /// <summary>Not yet visible.</summary>
    Scheduled = 2,
}

/// <summary>A message as a receiver got it.</summary>
public sealed class ServiceBusReceivedMessage
{
    internal const string DeadLetterReasonKey = "DeadLetterReason";
    internal const string DeadLetterDescriptionKey = "DeadLetterErrorDescription";

    internal ServiceBusReceivedMessage()
    {
    }

    /// <summary>The payload.</summary>
    public BinaryData Body { get; internal init; } = BinaryData.FromBytes(ReadOnlyMemory<byte>.Empty);

    /// <summary>Identifies the message for its application.</summary>
    public string MessageId { get; internal init; } = string.Empty;

    /// <summary>Relates the message to another one.</summary>
    public string? CorrelationId { get; internal init; }

    /// <summary>What the message is about.</summary>
    public string? Subject { get; internal init; }

    /// <summary>The media type of the body.</summary>
    public string? ContentType { get; internal init; }

    /// <summary>The session that the message belongs to.</summary>
    public string? SessionId { get; internal init; }

    /// <summary>The partition key.</summary>
    public string? PartitionKey { get; internal init; }

    /// <summary>Where an answer goes.</summary>
    public string? ReplyTo { get; internal init; }

    /// <summary>The session of an answer.</summary>
    public string? ReplyToSessionId { get; internal init; }

    /// <summary>The intended receiver.</summary>
    public string? To { get; internal init; }

    /// <summary>How long the message lives after it was enqueued; <see cref="TimeSpan.MaxValue"/> when it has no limit.</summary>
    public TimeSpan TimeToLive { get; internal init; } = TimeSpan.MaxValue;

    /// <summary>When the message was to become visible; <see langword="default"/> when it was not scheduled.</summary>
    public DateTimeOffset ScheduledEnqueueTime { get; internal init; }

    /// <summary>The application's own properties.</summary>
    public IReadOnlyDictionary<string, object> ApplicationProperties { get; internal init; } = new Dictionary<string, object>();

    /// <summary>The token that settles the message; empty for peeked and deleted messages.</summary>
    public string LockToken => LockTokenGuid == Guid.Empty ? string.Empty : LockTokenGuid.ToString();

    /// <summary>When the lock ends; moved on by <see cref="ServiceBusReceiver.RenewMessageLockAsync"/>.</summary>
    public DateTimeOffset LockedUntil { get; internal set; }

    /// <summary>The broker's number for the message, rising within its queue.</summary>
    public long SequenceNumber { get; internal init; }

    /// <summary>The number that the message had where it was first enqueued.</summary>
    public long EnqueuedSequenceNumber { get; internal init; }

    /// <summary>When the broker accepted the message.</summary>
    public DateTimeOffset EnqueuedTime { get; internal init; }

    /// <summary>When the message's life ends.</summary>
    public DateTimeOffset ExpiresAt => TimeToLive == TimeSpan.MaxValue || EnqueuedTime > DateTimeOffset.MaxValue - TimeToLive
        ? DateTimeOffset.MaxValue
        : EnqueuedTime + TimeToLive;

    /// <summary>How many times the message has been delivered, this time included; at least 1.</summary>
    public int DeliveryCount { get; internal init; }

    /// <summary>Where the message is in its life.</summary>
    public ServiceBusMessageState State { get; internal init; }

    /// <summary>The queue that the message was dead-lettered in.</summary>
    public string? DeadLetterSource { get; internal init; }

    /// <summary>Why the message was dead-lettered.</summary>
    public string? DeadLetterReason => ApplicationProperties.TryGetValue(DeadLetterReasonKey, out var value) ? value as string : null;

    /// <summary>More about why the message was dead-lettered.</summary>
    public string? DeadLetterErrorDescription => ApplicationProperties.TryGetValue(DeadLetterDescriptionKey, out var value) ? value as string : null;

    internal Guid LockTokenGuid { get; init; }

    /// <summary>The delivery on the link, settled there too once the broker has confirmed the outcome.</summary>
    internal Message? Delivery { get; init; }

    /// <inheritdoc />
    public override string ToString() => $"{{MessageId:{MessageId}, SequenceNumber:{SequenceNumber}}}";
}
