namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>The part of a queue that a message is in.</summary>
internal enum QueuePart : short
{
    Main = 0,
    DeadLetter = 1,
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
    /// <summary>The sequence number; 0 until the writer gives one.</summary>
    internal long Id { get; set; }

    /// <summary>The sequence number that the message had first.</summary>
    internal long EnqueuedId { get; set; }

    internal required int QueueId { get; init; }

    internal QueuePart Part { get; init; }

    internal MessageState State { get; set; }

    internal DateTime EnqueuedAt { get; init; }

    internal DateTime? VisibleAt { get; init; }

    internal DateTime? ExpiresAt { get; init; }

    /// <summary>Deliveries that failed.</summary>
    internal int DeliveryCount { get; set; }

    /// <summary>The sender's message annotations as an encoded map, when there were any.</summary>
    internal byte[]? Annotations { get; init; }

    /// <summary>Null while a locked message's bytes are only in the table.</summary>
    internal byte[]? Payload { get; set; }

    internal int Size => (Payload?.Length ?? 0) + (Annotations?.Length ?? 0);

    /// <summary>The same message at the end of a queue part, with a new sequence number.</summary>
    internal QueuedMessage MovedTo(QueuePart part, DateTime enqueuedAt, byte[]? payload) => new()
    {
        EnqueuedId = EnqueuedId == 0 ? Id : EnqueuedId,
        QueueId = QueueId,
        Part = part,
        State = MessageState.Active,
        EnqueuedAt = enqueuedAt,

        // Time to live ends with the main queue: dead letters stay until somebody looks at them.
        ExpiresAt = part == QueuePart.Main ? ExpiresAt : null,
        DeliveryCount = DeliveryCount,
        Annotations = Annotations,
        Payload = payload,
    };
}
