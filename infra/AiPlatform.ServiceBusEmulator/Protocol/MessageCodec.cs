using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// Takes encoded messages apart and puts them together. What the sender encoded (properties, application properties, bodies, footer,
/// and the entries of its annotations) is checked once and kept as it came; the broker writes the header, with the sender's priority,
/// and its own annotations anew at each delivery.
/// </summary>
internal static class MessageCodec
{
    private const int HeaderReserve = 256;
    private const int PriorityField = 1;
    private const int TtlField = 2;
    private const int AbsoluteExpiryField = 8;
    private const int CreationField = 9;
    private const int MaxMessageIdLength = 128;

    private static readonly byte[] AnnotationsSection = [0x00, 0x53, 0x72];

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

        if (message.Priority is { } priority)
        {
            header.Priority = priority;
        }

        header.DeliveryCount = (uint)message.DeliveryCount;
        header.Encode(buffer);
        WriteAnnotations(buffer, delivery, queueName);
        AmqpBitConverter.WriteBytes(buffer, delivery.Payload, 0, delivery.Payload.Length);
        return buffer;
    }

    // The sender's entries as they came, then the broker's.
    private static void WriteAnnotations(ByteBuffer buffer, in Delivery delivery, string queueName)
    {
        var message = delivery.Message;
        var own = new ByteBuffer(192, autoGrow: true);
        var items = 0;
        void Add(Symbol key, object value)
        {
            Encoder.WriteObject(own, key);
            Encoder.WriteObject(own, value);
            items += 2;
        }

        Add(AmqpNames.SequenceNumber, message.Id);
        Add(AmqpNames.EnqueuedSequenceNumber, message.EnqueuedId == 0 ? message.Id : message.EnqueuedId);
        Add(AmqpNames.EnqueuedTime, message.EnqueuedAt);
        Add(AmqpNames.State, (int)message.State);
        if (delivery.LockToken != Guid.Empty)
        {
            Add(AmqpNames.LockedUntil, delivery.LockedUntil);
        }

        if (message.VisibleAt is { } visibleAt)
        {
            Add(AmqpNames.ScheduledEnqueueTime, visibleAt);
        }

        if (message.Part != QueuePart.Main)
        {
            Add(AmqpNames.DeadLetterSource, queueName);
        }

        // A forwarded dead letter carries its source; here it gets the one of this queue instead.
        var replaced = message.Part != QueuePart.Main;
        var map = AmqpBytes.ChangeMap(
            message.Annotations, key => replaced && EncodedMessage.IsKey(key, AmqpNames.DeadLetterSource), own.Buffer.AsSpan(own.Offset, own.Length), items)!;
        AmqpBitConverter.WriteBytes(buffer, AnnotationsSection, 0, AnnotationsSection.Length);
        AmqpBitConverter.WriteBytes(buffer, map, 0, map.Length);
    }

    private static IEnumerable<byte[]> BatchedMessages(byte[] encoded)
    {
        var buffer = new ByteBuffer(encoded, 0, encoded.Length, encoded.Length);
        while (buffer.Length > 0)
        {
            if (Encoder.ReadObject(buffer) is Data data)
            {
                yield return data.Binary ?? EncodedMessage.ToArray(data.Buffer);
            }
        }
    }

    private static QueuedMessage ReadOne(byte[] encoded, DateTime now)
    {
        _ = KnownSections;
        var buffer = new ByteBuffer(encoded, 0, encoded.Length, encoded.Length);
        Header? header = null;
        MessageAnnotations? annotations = null;
        byte[]? encodedAnnotations = null;
        Properties? properties = null;
        var payloadStart = -1;
        var last = SectionOrder.None;
        while (buffer.Length > 0)
        {
            var start = buffer.Offset;
            var section = Encoder.ReadObject(buffer);
            last = section.Follows(last);
            Check(encoded.AsSpan(start, buffer.Offset - start), section);
            if (last >= SectionOrder.Properties)
            {
                payloadStart = payloadStart < 0 ? start : payloadStart;
            }

            switch (section)
            {
                case Header found:
                    header = found;
                    break;
                case MessageAnnotations found:
                    annotations = found;
                    encodedAnnotations = encoded[AmqpBytes.Skip(encoded, start + 1)..buffer.Offset];
                    break;
                case Properties found:
                    properties = found;
                    break;
            }
        }

        if (payloadStart < 0)
        {
            throw new InvalidMessageException(ErrorCode.DecodeError, "The message has no body.");
        }

        var visibleAt = annotations?.Map[AmqpNames.ScheduledEnqueueTime] is DateTime time && time > now ? time : (DateTime?)null;
        var enqueuedAt = visibleAt ?? now;
        var id = MessageId(properties);
        var payload = payloadStart == 0 ? encoded : encoded[payloadStart..];
        return new QueuedMessage
        {
            State = visibleAt is null ? MessageState.Active : MessageState.Scheduled,
            EnqueuedAt = now,
            VisibleAt = visibleAt,
            ExpiresAt = ExpiresAt(header, properties, enqueuedAt),
            Priority = header is not null && header.HasField(PriorityField) ? header.Priority : null,
            SessionId = SessionId(properties),
            MessageId = MessageIdentity.Of(id),
            Annotations = encodedAnnotations is null ? null : AmqpBytes.ChangeMap(encodedAnnotations, IsOfBroker, [], 0),
            // A receiver can count on an id: the broker gives one where the sender gave none.
            Payload = id is null ? new BareMessage(payload).WithMessageId(Guid.NewGuid().ToString("N")) : payload,
        };
    }

    // The library reads a few malformed values too; what is taken apart later must be as it says.
    private static void Check(ReadOnlySpan<byte> encoded, object section)
    {
        var isWhole = AmqpBytes.Skip(encoded, 0) == encoded.Length
            && (section is not (Properties or ApplicationProperties or MessageAnnotations) || AmqpBytes.IsWhole(encoded[AmqpBytes.Skip(encoded, 1)..]));
        if (!isWhole)
        {
            throw new InvalidMessageException(ErrorCode.DecodeError, $"The section {section.GetType().Name} is not as long as it says.");
        }
    }

    private static bool IsOfBroker(object key) => AmqpNames.OfBroker.Any(name => EncodedMessage.IsKey(key, name));

    private static string? SessionId(Properties? properties) => properties?.GroupId switch
    {
        { Length: > MaxMessageIdLength } => throw new InvalidMessageException(AmqpNames.ArgumentError, $"The session id is longer than {MaxMessageIdLength} characters."),
        { } id when id.Contains('\0', StringComparison.Ordinal) => throw new InvalidMessageException(AmqpNames.ArgumentError, "The session id has the character NUL."),
        var id => id,
    };

    private static object? MessageId(Properties? properties) => properties?.GetMessageId() switch
    {
        string { Length: > MaxMessageIdLength } or byte[] { Length: > MaxMessageIdLength }
            => throw new InvalidMessageException(AmqpNames.ArgumentError, $"The message id is longer than {MaxMessageIdLength} characters or bytes."),
        var id => id,
    };

    // A header counts to 49 days only; clients say a longer life by the properties beside it.
    private static DateTime? ExpiresAt(Header? header, Properties? properties, DateTime enqueuedAt)
    {
        if (header is null || !header.HasField(TtlField))
        {
            return null;
        }

        return header.Ttl < uint.MaxValue ? enqueuedAt.AddMilliseconds(header.Ttl)
            : properties is not null && properties.HasField(CreationField) && properties.HasField(AbsoluteExpiryField)
                && properties.AbsoluteExpiryTime - properties.CreationTime is var life && life > TimeSpan.Zero && life < DateTime.MaxValue - enqueuedAt ? enqueuedAt + life
            : null;
    }
}
