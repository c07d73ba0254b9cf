using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>The part of a queue that a message is in.</summary>
internal enum QueuePart : short
{
    Main = 0,
    DeadLetter = 1,
    TransferDeadLetter = 2,
}

/// <summary>Where a message is in its life; the values are those of the protocol.</summary>
internal enum MessageState : short
{
    Active = 0,
    Deferred = 1,
    Scheduled = 2,
}

/// <summary>
/// A message as the broker keeps it. Payload and annotations stay encoded: properties, application properties and body are
/// one byte string that is stored and sent on as it came.
/// </summary>
internal sealed class QueuedMessage
{
    private byte[]? _payload;
    private int _payloadBytes;

    /// <summary>The sequence number; 0 until the writer gives one.</summary>
    internal long Id { get; set; }

    /// <summary>The sequence number that the message had first.</summary>
    internal long EnqueuedId { get; set; }

    /// <summary>The entity that the message is in; 0 until it is routed.</summary>
    internal int QueueId { get; set; }

    internal QueuePart Part { get; set; }

    internal MessageState State { get; set; }

    internal DateTime EnqueuedAt { get; init; }

    internal DateTime? VisibleAt { get; init; }

    internal DateTime? ExpiresAt { get; set; }

    /// <summary>Deliveries that failed.</summary>
    internal int DeliveryCount { get; set; }

    /// <summary>The session, in an entity that requires sessions.</summary>
    internal string? SessionId { get; set; }

    /// <summary>The sender's id for the message; known only while it is being accepted.</summary>
    internal string? MessageId { get; set; }

    /// <summary>What must hold for the message to be accepted as new.</summary>
    internal DuplicateCheck? Duplicates { get; set; }

    /// <summary>The sender's message annotations as an encoded map, when there were any.</summary>
    internal byte[]? Annotations { get; set; }

    /// <summary>The priority in the sender's header, when there was one; it is handed on and decides nothing.</summary>
    internal byte? Priority { get; init; }

    /// <summary>Null while a locked message's bytes are only in the table.</summary>
    internal byte[]? Payload
    {
        get => _payload;
        set
        {
            _payload = value;
            _payloadBytes = value?.Length ?? _payloadBytes;
        }
    }

    /// <summary>Bytes in memory.</summary>
    internal int Size => (Payload?.Length ?? 0) + (Annotations?.Length ?? 0);

    /// <summary>Bytes in the table.</summary>
    internal int Bytes => _payloadBytes + (Annotations?.Length ?? 0);

    /// <summary>Gives the message its place.</summary>
    internal QueuedMessage At(int queueId, QueuePart part, string? sessionId)
    {
        QueueId = queueId;
        Part = part;
        SessionId = sessionId;
        if (part != QueuePart.Main)
        {
            // Time to live ends with the main queue: dead letters stay until somebody looks at them.
            ExpiresAt = null;
        }

        return this;
    }

    /// <summary>The same message with other bytes, not yet placed.</summary>
    internal QueuedMessage With(byte[] payload, string? sessionId) => new()
    {
        EnqueuedId = EnqueuedId,
        EnqueuedAt = EnqueuedAt,
        ExpiresAt = ExpiresAt,
        DeliveryCount = DeliveryCount,
        SessionId = sessionId,
        MessageId = MessageId,
        Duplicates = Duplicates,
        Annotations = Annotations,
        Priority = Priority,
        Payload = payload,
    };

    /// <summary>The same message on its way to a new place, with a new sequence number.</summary>
    internal QueuedMessage Moved(DateTime enqueuedAt, byte[] payload, bool keepsDeliveryCount) => new()
    {
        EnqueuedId = EnqueuedId == 0 ? Id : EnqueuedId,
        EnqueuedAt = enqueuedAt,
        ExpiresAt = ExpiresAt,
        DeliveryCount = keepsDeliveryCount ? DeliveryCount : 0,
        SessionId = SessionId,
        MessageId = MessageId,
        Annotations = Annotations,
        Priority = Priority,
        Payload = payload,
    };
}
