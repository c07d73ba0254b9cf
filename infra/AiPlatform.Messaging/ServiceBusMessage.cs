namespace AiPlatform.Messaging;

/// <summary>A message to send. Not safe for use by several threads.</summary>
public sealed class ServiceBusMessage
{
    /// <summary>Creates a message with an empty body.</summary>
    public ServiceBusMessage()
        : this(BinaryData.FromBytes(ReadOnlyMemory<byte>.Empty))
    {
    }

    /// <summary>Creates a message from text, encoded as UTF-8.</summary>
    public ServiceBusMessage(string? body)
        : this(BinaryData.FromString(body ?? string.Empty))
    {
    }

    /// <summary>Creates a message from bytes.</summary>
    public ServiceBusMessage(ReadOnlyMemory<byte> body)
        : this(BinaryData.FromBytes(body))
    {
    }

    /// <summary>Creates a message from bytes.</summary>
    public ServiceBusMessage(BinaryData body)
    {
        Body = body;
    }

    /// <summary>Creates a copy of a received message, to send it again; what the broker set is left out.</summary>
    public ServiceBusMessage(ServiceBusReceivedMessage receivedMessage)
        : this(receivedMessage.Body)
    {
        MessageId = receivedMessage.MessageId;
        CorrelationId = receivedMessage.CorrelationId;
        Subject = receivedMessage.Subject;
        ContentType = receivedMessage.ContentType;
        SessionId = receivedMessage.SessionId;
        PartitionKey = receivedMessage.PartitionKey;
        ReplyTo = receivedMessage.ReplyTo;
        ReplyToSessionId = receivedMessage.ReplyToSessionId;
        To = receivedMessage.To;
        TimeToLive = receivedMessage.TimeToLive;
        foreach (var (key, value) in receivedMessage.ApplicationProperties)
        {
            if (key is not (ServiceBusReceivedMessage.DeadLetterReasonKey or ServiceBusReceivedMessage.DeadLetterDescriptionKey))
            {
                ApplicationProperties[key] = value;
            }
        }
    }

    /// <summary>The payload.</summary>
    public BinaryData Body { get; set; }

    /// <summary>Identifies the message for its application; random when left empty. At most 128 characters.</summary>
    public string? MessageId { get; set; }

    /// <summary>Relates the message to another one.</summary>
    public string? CorrelationId { get; set; }

    /// <summary>What the message is about, for filters.</summary>
    public string? Subject { get; set; }

    /// <summary>The media type of the body.</summary>
    public string? ContentType { get; set; }

    /// <summary>The session that the message belongs to.</summary>
    public string? SessionId { get; set; }

    /// <summary>Decides the partition of a partitioned entity.</summary>
    public string? PartitionKey { get; set; }

    /// <summary>Where an answer goes.</summary>
    public string? ReplyTo { get; set; }

    /// <summary>The session of an answer.</summary>
    public string? ReplyToSessionId { get; set; }

    /// <summary>The intended receiver; not looked at by the broker.</summary>
    public string? To { get; set; }

    /// <summary>How long the message lives after it is enqueued; <see cref="TimeSpan.MaxValue"/> leaves it to the queue.</summary>
    public TimeSpan TimeToLive { get; set; } = TimeSpan.MaxValue;

    /// <summary>When the message becomes visible; <see langword="default"/> for at once.</summary>
    public DateTimeOffset ScheduledEnqueueTime { get; set; }

    /// <summary>The application's own properties: strings, numbers, booleans, Guid, Uri, DateTime, DateTimeOffset, TimeSpan.</summary>
    public IDictionary<string, object> ApplicationProperties { get; } = new Dictionary<string, object>();

    /// <inheritdoc />
    public override string ToString() => $"{{MessageId:{MessageId}}}";
}
