using System.Diagnostics;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.Messaging.Transport;

/// <summary>Between <see cref="ServiceBusMessage"/>, <see cref="ServiceBusReceivedMessage"/> and AMQP messages.</summary>
internal static class AmqpMessageConverter
{
    internal static Message ToAmqp(ServiceBusMessage message)
    {
        var amqp = new Message
        {
            Properties = new Properties { MessageId = message.MessageId ?? Guid.NewGuid().ToString("N") },
            BodySection = new Data { Binary = message.Body.ToArray() },
        };
        SetProperties(message, amqp.Properties);
        SetApplicationProperties(message, amqp);
        if (message.TimeToLive != TimeSpan.MaxValue)
        {
            amqp.Header = new Header { Ttl = (uint)Math.Clamp(message.TimeToLive.TotalMilliseconds, 0, uint.MaxValue) };
        }

        if (message.ScheduledEnqueueTime != default)
        {
            Annotate(amqp, ServiceBusAmqp.ScheduledEnqueueTime, message.ScheduledEnqueueTime.UtcDateTime);
        }

        if (message.PartitionKey is { } partitionKey)
        {
            Annotate(amqp, ServiceBusAmqp.PartitionKey, partitionKey);
        }

        return amqp;
    }

    /// <summary>Many messages as one transfer: the body is one data section per encoded message.</summary>
    internal static Message ToBatch(IEnumerable<byte[]> encoded)
    {
        var list = new DataList();
        foreach (var bytes in encoded)
        {
            list.Add(new Data { Binary = bytes });
        }

        return new Message { BodySection = list, Format = ServiceBusAmqp.BatchMessageFormat };
    }

    internal static byte[] Encode(Message message)
    {
        var buffer = message.Encode();
        return buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray();
    }

    /// <param name="message">As it came on a link, or decoded from a management answer.</param>
    /// <param name="lockToken">The delivery tag or the token in the answer; empty for peeked messages.</param>
    /// <param name="isDelivery">Whether the message came on a link and is settled there too.</param>
    internal static ServiceBusReceivedMessage FromAmqp(Message message, Guid lockToken, bool isDelivery)
    {
        var properties = message.Properties;
        var annotations = message.MessageAnnotations?.Map;
        object? Annotation(string name) => annotations?[new Symbol(name)];
        var ttl = message.Header is { } header && header.HasField(2) ? TimeSpan.FromMilliseconds(header.Ttl) : TimeSpan.MaxValue;
        return new ServiceBusReceivedMessage
        {
            Body = BinaryData.FromBytes(BodyBytes(message)),
            MessageId = properties?.GetMessageId()?.ToString() ?? string.Empty,
            CorrelationId = properties?.GetCorrelationId()?.ToString(),
            Subject = properties?.Subject,
            ContentType = properties?.ContentType,
            SessionId = properties?.GroupId,
            ReplyTo = properties?.ReplyTo,
            ReplyToSessionId = properties?.ReplyToGroupId,
            To = properties?.To,
            PartitionKey = Annotation(ServiceBusAmqp.PartitionKey) as string,
            TimeToLive = ttl,
            ApplicationProperties = ReadApplicationProperties(message),
            ScheduledEnqueueTime = Time(Annotation(ServiceBusAmqp.ScheduledEnqueueTime)),
            EnqueuedTime = Time(Annotation(ServiceBusAmqp.EnqueuedTime)),
            LockedUntil = Time(Annotation(ServiceBusAmqp.LockedUntil)),
            SequenceNumber = Annotation(ServiceBusAmqp.SequenceNumber) is long sequence ? sequence : 0,
            EnqueuedSequenceNumber = Annotation(ServiceBusAmqp.EnqueuedSequenceNumber) is long enqueued ? enqueued : 0,
            DeadLetterSource = Annotation(ServiceBusAmqp.DeadLetterSource) as string,
            State = Annotation(ServiceBusAmqp.MessageState) is int state ? (ServiceBusMessageState)state : ServiceBusMessageState.Active,

            // AMQP counts failed deliveries before this one, the SDK counts deliveries.
            DeliveryCount = (int)(message.Header?.DeliveryCount ?? 0) + 1,
            LockTokenGuid = lockToken,
            Delivery = isDelivery ? message : null,
        };
    }

    /// <summary>Application values as AMQP has them: what AMQP lacks travels as text or ticks with the service's descriptors.</summary>
    internal static object ToAmqpValue(object value) => value switch
    {
        DateTimeOffset time => time.UtcDateTime,
        DateTime time => time.ToUniversalTime(),
        Uri uri => uri.ToString(),
        TimeSpan span => span.ToString("c"),
        Enum constant => constant.ToString(),
        string or bool or byte or sbyte or short or ushort or int or uint or long or ulong or float or double or char or Guid or byte[] => value,
        decimal number => (double)number,
        _ => throw new ArgumentException($"An application property cannot be a {value.GetType().Name}."),
    };

    private static void SetProperties(ServiceBusMessage message, Properties properties)
    {
        // A field that is assigned is encoded, null or not: only what is set is touched.
        if (message.CorrelationId is { } correlationId)
        {
            properties.CorrelationId = correlationId;
        }

        if (message.Subject is { } subject)
        {
            properties.Subject = subject;
        }

        if (message.ContentType is { } contentType)
        {
            properties.ContentType = contentType;
        }

        if (message.SessionId is { } sessionId)
        {
            properties.GroupId = sessionId;
        }

        if (message.ReplyTo is { } replyTo)
        {
            properties.ReplyTo = replyTo;
        }

        if (message.ReplyToSessionId is { } replyToSession)
        {
            properties.ReplyToGroupId = replyToSession;
        }

        if (message.To is { } to)
        {
            properties.To = to;
        }
    }

    private static void SetApplicationProperties(ServiceBusMessage message, Message amqp)
    {
        var activity = Activity.Current;
        if (message.ApplicationProperties.Count == 0 && activity is null)
        {
            return;
        }

        var properties = new ApplicationProperties();
        foreach (var (key, value) in message.ApplicationProperties)
        {
            properties[key] = ToAmqpValue(value);
        }

        if (activity is { IdFormat: ActivityIdFormat.W3C, Id: { } id } && !message.ApplicationProperties.ContainsKey(MessagingActivity.TraceParent))
        {
            properties[MessagingActivity.TraceParent] = id;
            properties[MessagingActivity.DiagnosticId] = id;
        }

        amqp.ApplicationProperties = properties;
    }

    private static void Annotate(Message message, string name, object value)
    {
        message.MessageAnnotations ??= new MessageAnnotations();
        message.MessageAnnotations[new Symbol(name)] = value;
    }

    private static Dictionary<string, object> ReadApplicationProperties(Message message)
    {
        var result = new Dictionary<string, object>();
        foreach (var (key, value) in (IEnumerable<KeyValuePair<object, object>>?)message.ApplicationProperties?.Map ?? [])
        {
            result[key.ToString()!] = value switch
            {
                Symbol symbol => symbol.ToString(),
                DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
                _ => value,
            };
        }

        return result;
    }

    private static byte[] BodyBytes(Message message) => message.BodySection switch
    {
        Data data => data.Binary ?? Copy(data.Buffer),
        DataList list => Join(list),
        AmqpValue { Value: byte[] bytes } => bytes,
        AmqpValue { Value: ByteBuffer buffer } => Copy(buffer),
        AmqpValue { Value: string text } => System.Text.Encoding.UTF8.GetBytes(text),
        AmqpValue { Value: { } value } => System.Text.Encoding.UTF8.GetBytes(value.ToString() ?? string.Empty),
        _ => [],
    };

    private static byte[] Copy(ByteBuffer? buffer) => buffer is null ? [] : buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray();

    private static byte[] Join(DataList list)
    {
        using var stream = new MemoryStream();
        for (var i = 0; i < list.Count; i++)
        {
            stream.Write(list[i].Binary ?? Copy(list[i].Buffer));
        }

        return stream.ToArray();
    }

    private static DateTimeOffset Time(object? value)
        => value is DateTime time ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)) : default;
}
