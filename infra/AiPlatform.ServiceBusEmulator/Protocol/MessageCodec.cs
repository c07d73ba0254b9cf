using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A message that cannot be accepted as it is.</summary>
internal sealed class InvalidMessageException(string condition, string description) : FormatException(description)
{
    internal string Condition => condition;
}

/// <summary>
/// Takes encoded messages apart and puts them together. What the sender encoded (properties, application properties, body) is
/// checked once and kept as it came; the broker writes header and annotations anew at each delivery.
/// </summary>
internal static class MessageCodec
{
    private const int HeaderReserve = 256;
    private const int MaxMessageIdLength = 128;
    private const string DeadLetterReason = "DeadLetterReason";
    private const string DeadLetterDescription = "DeadLetterErrorDescription";

    // Touching a section type registers the decoders of all of them with the library.
    private static readonly Header KnownSections = new();

    /// <summary>Reads a message, or every message of a batch.</summary>
    /// <exception cref="InvalidMessageException">The bytes are not a message.</exception>
    internal static List<QueuedMessage> Read(byte[] encoded, bool isBatch, DateTime now)
    {
        try
        {
            if (!isBatch)
            {
                return [ReadOne(encoded, now)];
            }

            var result = new List<QueuedMessage>();
            foreach (var bytes in BatchedMessages(encoded))
            {
                result.Add(ReadOne(bytes, now));
            }

            return result;
        }
        catch (Exception exception) when (exception is not InvalidMessageException)
        {
            // The decoder fails in many ways on bytes that are no message; all mean the same to the sender.
            throw new InvalidMessageException(ErrorCode.DecodeError, $"The message cannot be decoded: {exception.Message}");
        }
    }

    /// <summary>A message with application properties set, and the ones given as null removed.</summary>
    internal static byte[] WithApplicationProperties(byte[] payload, IReadOnlyDictionary<string, object> changes)
    {
        if (changes.Count == 0)
        {
            return payload;
        }

        var message = Decode(payload);
        message.ApplicationProperties ??= new ApplicationProperties();
        foreach (var (key, value) in changes)
        {
            message.ApplicationProperties.Map[key] = value;
        }

        return ToArray(message.Encode());
    }

    /// <summary>The application properties by which a dead letter says why it is one.</summary>
    internal static Dictionary<string, object> DeadLetterProperties(string? reason, string? description)
    {
        var result = new Dictionary<string, object>();
        if (reason is not null)
        {
            result[DeadLetterReason] = reason;
        }

        if (description is not null)
        {
            result[DeadLetterDescription] = description;
        }

        return result;
    }

    /// <summary>The session id in a message's bytes.</summary>
    internal static string? ReadSessionId(byte[] payload) => Decode(payload).Properties?.GroupId;

    /// <summary>Encodes a delivery: header and annotations of the broker, then the sender's bytes.</summary>
    internal static ByteBuffer Write(in Delivery delivery, string queueName)
    {
        var message = delivery.Message;
        var buffer = new ByteBuffer(HeaderReserve + delivery.Payload.Length, autoGrow: true);
        var header = new Header { Durable = true };
        if (message.ExpiresAt is { } expiresAt)
        {
            header.Ttl = (uint)Math.Clamp((expiresAt - message.EnqueuedAt).TotalMilliseconds, 0, uint.MaxValue);
        }

        header.DeliveryCount = (uint)message.DeliveryCount;
        header.Encode(buffer);
        Annotations(delivery, queueName).Encode(buffer);
        AmqpBitConverter.WriteBytes(buffer, delivery.Payload, 0, delivery.Payload.Length);
        return buffer;
    }

    internal static byte[] ToArray(ByteBuffer buffer) => buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray();

    internal static Message Decode(byte[] encoded) => Message.Decode(new ByteBuffer(encoded, 0, encoded.Length, encoded.Length));

    private static MessageAnnotations Annotations(in Delivery delivery, string queueName)
    {
        var message = delivery.Message;
        var annotations = new MessageAnnotations();
        if (message.Annotations is { } encoded)
        {
            var buffer = new ByteBuffer(encoded, 0, encoded.Length, encoded.Length);
            foreach (var (key, value) in (Map)Encoder.ReadObject(buffer))
            {
                annotations.Map[key] = value;
            }
        }

        annotations[AmqpNames.SequenceNumber] = message.Id;
        annotations[AmqpNames.EnqueuedSequenceNumber] = message.EnqueuedId == 0 ? message.Id : message.EnqueuedId;
        annotations[AmqpNames.EnqueuedTime] = message.EnqueuedAt;
        annotations[AmqpNames.State] = (int)message.State;
        if (delivery.LockToken != Guid.Empty)
        {
            annotations[AmqpNames.LockedUntil] = delivery.LockedUntil;
        }

        if (message.VisibleAt is { } visibleAt)
        {
            annotations[AmqpNames.ScheduledEnqueueTime] = visibleAt;
        }

        if (message.Part != QueuePart.Main)
        {
            annotations[AmqpNames.DeadLetterSource] = queueName;
        }

        return annotations;
    }

    private static IEnumerable<byte[]> BatchedMessages(byte[] encoded)
    {
        var buffer = new ByteBuffer(encoded, 0, encoded.Length, encoded.Length);
        while (buffer.Length > 0)
        {
            if (Encoder.ReadObject(buffer) is Data data)
            {
                yield return data.Binary ?? ToArray(data.Buffer);
            }
        }
    }

    private static QueuedMessage ReadOne(byte[] encoded, DateTime now)
    {
        _ = KnownSections;
        var buffer = new ByteBuffer(encoded, 0, encoded.Length, encoded.Length);
        Header? header = null;
        MessageAnnotations? annotations = null;
        Properties? properties = null;
        var payloadStart = -1;
        while (buffer.Length > 0)
        {
            var start = buffer.Offset;
            switch (Encoder.ReadObject(buffer))
            {
                case Header section:
                    header = section;
                    break;
                case MessageAnnotations section:
                    annotations = section;
                    break;
                case DeliveryAnnotations:
                    break;
                case Properties section:
                    properties = section;
                    payloadStart = payloadStart < 0 ? start : payloadStart;
                    break;
                case ApplicationProperties or Data or AmqpValue or AmqpSequence or Footer:
                    payloadStart = payloadStart < 0 ? start : payloadStart;
                    break;
                default:
                    throw new InvalidMessageException(ErrorCode.DecodeError, "The message has a section that AMQP does not know.");
            }
        }

        if (payloadStart < 0)
        {
            throw new InvalidMessageException(ErrorCode.DecodeError, "The message has no body.");
        }

        var visibleAt = annotations?.Map[AmqpNames.ScheduledEnqueueTime] is DateTime time && time > now ? time : (DateTime?)null;
        var enqueuedAt = visibleAt ?? now;
        return new QueuedMessage
        {
            State = visibleAt is null ? MessageState.Active : MessageState.Scheduled,
            EnqueuedAt = now,
            VisibleAt = visibleAt,
            ExpiresAt = ExpiresAt(header, enqueuedAt),
            SessionId = SessionId(properties),
            MessageId = properties?.GetMessageId()?.ToString(),
            Annotations = EncodeAnnotations(annotations),
            Payload = Payload(encoded, payloadStart, properties),
        };
    }

    private static string? SessionId(Properties? properties)
        => properties?.GroupId is { Length: > MaxMessageIdLength }
            ? throw new InvalidMessageException(ErrorCode.InvalidField, $"The session id is longer than {MaxMessageIdLength} characters.")
            : properties?.GroupId;

    private static DateTime? ExpiresAt(Header? header, DateTime enqueuedAt)
        => header is not null && header.HasField(2) && header.Ttl < uint.MaxValue ? enqueuedAt.AddMilliseconds(header.Ttl) : null;

    private static byte[]? EncodeAnnotations(MessageAnnotations? annotations)
    {
        if (annotations is null)
        {
            return null;
        }

        annotations.Map.Remove(AmqpNames.ScheduledEnqueueTime);
        if (annotations.Map.Count == 0)
        {
            return null;
        }

        var buffer = new ByteBuffer(64, autoGrow: true);
        Encoder.WriteMap(buffer, annotations.Map, smallEncoding: true);
        return ToArray(buffer);
    }

    private static byte[] Payload(byte[] encoded, int start, Properties? properties)
    {
        var id = properties?.GetMessageId();
        if (id is string { Length: > MaxMessageIdLength })
        {
            throw new InvalidMessageException(ErrorCode.InvalidField, $"The message id is longer than {MaxMessageIdLength} characters.");
        }

        if (id is not null)
        {
            return start == 0 ? encoded : encoded[start..];
        }

        // A receiver can count on an id: the broker gives one where the sender gave none.
        var message = Decode(encoded[start..]);
        message.Properties ??= new Properties();
        message.Properties.MessageId = Guid.NewGuid().ToString("N");
        return ToArray(message.Encode());
    }
}
