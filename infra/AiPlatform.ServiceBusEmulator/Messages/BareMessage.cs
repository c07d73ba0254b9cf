using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>
/// Properties, application properties, body and footer of a message as the sender encoded them. A change replaces the bytes of one
/// section; every other section, however many of a kind there are, stays as it came.
/// </summary>
internal sealed class BareMessage
{
    // Descriptors: a small or a full ulong, or the symbol that the specification gives beside the number.
    private const byte SectionPrefix = 0x00;
    private const byte SmallUlong = 0x53;
    private const byte PropertiesCode = 0x73;
    private const byte ApplicationPropertiesCode = 0x74;
    private const byte OtherCode = 0;

    private readonly byte[] _bytes;
    private readonly Range? _properties;
    private readonly Range? _applicationProperties;
    private readonly int _body;

    internal BareMessage(byte[] bytes)
    {
        _bytes = bytes;
        var at = 0;
        for (var end = 0; at < bytes.Length; at = end)
        {
            end = AmqpBytes.Skip(bytes, at);
            switch (SectionCode(bytes, at))
            {
                case PropertiesCode:
                    _properties = at..end;
                    break;
                case ApplicationPropertiesCode:
                    _applicationProperties = at..end;
                    break;
                default:
                    _body = at;
                    return;
            }
        }

        _body = at;
    }

    /// <summary>The message with the id that it came without.</summary>
    internal byte[] WithMessageId(string id)
        => With(Section(PropertiesCode, AmqpBytes.ChangeFirst(Value(_properties), AmqpBytes.Encode(id))), Bytes(_applicationProperties).ToArray());

    /// <summary>The message with other properties.</summary>
    internal byte[] WithProperties(Properties properties)
    {
        var buffer = new Amqp.ByteBuffer(128, autoGrow: true);
        properties.Encode(buffer);
        return With(EncodedMessage.ToArray(buffer), Bytes(_applicationProperties).ToArray());
    }

    /// <summary>The message with application properties set; those that are not named keep their bytes.</summary>
    /// <param name="changes">The properties to set.</param>
    /// <param name="removed">The properties to take away.</param>
    internal byte[] WithApplicationProperties(IReadOnlyDictionary<string, object> changes, IReadOnlySet<string>? removed = null)
    {
        var added = new List<byte>();
        foreach (var (key, value) in changes)
        {
            added.AddRange(AmqpBytes.Encode(key));
            added.AddRange(AmqpBytes.Encode(value));
        }

        bool IsReplaced(object key) => key is string name && (changes.ContainsKey(name) || removed?.Contains(name) == true);
        var map = AmqpBytes.ChangeMap(Value(_applicationProperties), IsReplaced, [.. added], changes.Count * 2);
        return With(Bytes(_properties).ToArray(), map is null ? [] : Section(ApplicationPropertiesCode, map));
    }

    /// <summary>The code of the section that begins at a position.</summary>
    internal static byte SectionCode(byte[] bytes, int at)
        => bytes[at] != SectionPrefix ? throw new FormatException("A section is not described.")
            : bytes[at + 1] == SmallUlong ? bytes[at + 2]
            : Encoder.ReadObject(new Amqp.ByteBuffer(bytes, at + 1, bytes.Length - at - 1, bytes.Length - at - 1)) switch
            {
                ulong code => (byte)code,
                Symbol symbol => symbol.ToString() switch
                {
                    "amqp:properties:list" => PropertiesCode,
                    "amqp:application-properties:map" => ApplicationPropertiesCode,
                    _ => OtherCode,
                },
                _ => OtherCode,
            };

    private byte[] With(byte[] properties, byte[] applicationProperties)
    {
        var body = _bytes.AsSpan(_body);
        var result = new byte[properties.Length + applicationProperties.Length + body.Length];
        properties.CopyTo(result, 0);
        applicationProperties.CopyTo(result, properties.Length);
        body.CopyTo(result.AsSpan(properties.Length + applicationProperties.Length));
        return result;
    }

    private static byte[] Section(byte code, byte[] value) => [SectionPrefix, SmallUlong, code, .. value];

    private ReadOnlySpan<byte> Bytes(Range? range) => range is { } bytes ? _bytes.AsSpan(bytes) : [];

    // What is behind the descriptor.
    private ReadOnlySpan<byte> Value(Range? range)
    {
        var section = Bytes(range);
        return section.Length == 0 ? section : section[AmqpBytes.Skip(section, 1)..];
    }
}
