using Amqp;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>What the broker reads in, and changes of, a message that it keeps in the bytes in which it came.</summary>
internal static class EncodedMessage
{
    private const string DeadLetterReason = "DeadLetterReason";
    private const string DeadLetterDescription = "DeadLetterErrorDescription";

    /// <summary>A message with application properties set, and the ones given as null removed.</summary>
    internal static byte[] WithApplicationProperties(byte[] payload, IReadOnlyDictionary<string, object> changes)
    {
        if (changes.Count == 0)
        {
            return payload;
        }

        return new BareMessage(payload).WithApplicationProperties(changes);
    }

    /// <summary>Message annotations with the entity that a dead letter comes from.</summary>
    internal static byte[] WithDeadLetterSource(byte[]? annotations, string source)
        => AmqpBytes.ChangeMap(
            annotations, static key => IsKey(key, AmqpNames.DeadLetterSource), [.. AmqpBytes.Encode(AmqpNames.DeadLetterSource), .. AmqpBytes.Encode(source)], 2)!;

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

    /// <summary>The message id in a message's bytes, as it is compared.</summary>
    internal static string? ReadMessageId(byte[] payload) => MessageIdentity.Of(Decode(payload).Properties?.GetMessageId());

    internal static byte[] ToArray(ByteBuffer buffer) => buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray();

    internal static Message Decode(byte[] encoded) => Message.Decode(new ByteBuffer(encoded, 0, encoded.Length, encoded.Length));

    /// <summary>Whether a key of annotations is that name: clients write it as a symbol or as a string.</summary>
    internal static bool IsKey(object key, Symbol name) => key is Symbol symbol ? symbol.Equals(name) : name.Equals(key as string);
}
