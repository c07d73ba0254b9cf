using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Protocol;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Types;

namespace AiPlatform.Tests.ServiceBusEmulator;

/// <summary>Messages written byte by byte, in encodings that no library would choose.</summary>
public sealed class BareMessageTests
{
    private static readonly DateTime Now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    // Priority 9 in a header whose list has a wide size.
    private static readonly byte[] Header = Bytes("00 53 70 d0 00 00 00 07 00 00 00 02 40 50 09");

    // {x: 1L as eight bytes} in a map with wide sizes.
    private static readonly byte[] Annotations = Bytes("00 53 72 d1 00 00 00 10 00 00 00 02 a3 01 78 81 00 00 00 00 00 00 00 01");

    // The message id is the ulong 7, in eight bytes where one would do; the descriptor is a wide one too.
    private static readonly byte[] Properties = Bytes("00 80 00 00 00 00 00 00 00 73 c0 0a 01 80 00 00 00 00 00 00 00 07");

    // {"a": 1 (four bytes), "b": true (one byte more than needed)}.
    private static readonly byte[] Application = Bytes("00 53 74 d1 00 00 00 11 00 00 00 04 a1 01 61 71 00 00 00 01 a1 01 62 56 01");

    private static readonly byte[] Sequences = Bytes("00 53 76 c0 03 01 54 01 00 53 76 45 00 53 76 d0 00 00 00 06 00 00 00 01 54 02");
    private static readonly byte[] Footer = Bytes("00 53 78 c1 06 02 a3 01 66 54 01");

    [Fact]
    public void The_bare_message_is_kept_byte_for_byte_with_annotations_footer_and_priority()
    {
        byte[] bare = [.. Properties, .. Application, .. Sequences, .. Footer];
        var message = Assert.Single(MessageCodec.Read([.. Header, .. Annotations, .. bare], false, Now));
        Assert.Equal(bare, message.Payload);
        Assert.Equal(((byte?)9, "\u0001u:7"), (message.Priority, message.MessageId));
        message.Id = 5;
        var delivered = EncodedMessage.ToArray(MessageCodec.Write(new Delivery(message, message.Payload!, Guid.NewGuid(), Now), "q"));
        Assert.Equal(bare, delivered[^bare.Length..]);
        Assert.Contains("a301788100000000", Convert.ToHexStringLower(delivered), StringComparison.Ordinal);
        Assert.Equal(9, EncodedMessage.Decode(delivered).Header.Priority);
    }

    [Fact]
    public void An_id_that_was_missing_is_the_only_change()
    {
        foreach (var (properties, rest) in new[]
        {
            (Array.Empty<byte>(), ""),
            (Bytes("00 53 73 45"), ""),
            (Bytes("00 53 73 c0 06 03 40 40 a1 01 74"), "40a10174"), // Without an id, to "t".
            (Bytes("00 53 73 d0 00 00 00 09 00 00 00 03 40 40 a1 01 74"), "40a10174"),
        })
        {
            var message = Assert.Single(MessageCodec.Read([.. properties, .. Application, .. Sequences, .. Footer], false, Now));
            var payload = Convert.ToHexStringLower(message.Payload!);
            Assert.EndsWith(rest + Convert.ToHexStringLower([.. Application, .. Sequences, .. Footer]), payload, StringComparison.Ordinal);
            Assert.Equal(32, EncodedMessage.Decode(message.Payload!).Properties.MessageId.Length);
        }
    }

    [Fact]
    public void A_property_that_is_set_leaves_the_others_and_the_body_as_they_were()
    {
        byte[] payload = [.. Properties, .. Application, .. Sequences, .. Footer];
        var changed = EncodedMessage.WithApplicationProperties(payload, new Dictionary<string, object> { ["b"] = "new", ["c"] = 3 });
        var text = Convert.ToHexStringLower(changed);
        Assert.StartsWith(Convert.ToHexStringLower(Properties), text, StringComparison.Ordinal);
        Assert.EndsWith(Convert.ToHexStringLower([.. Sequences, .. Footer]), text, StringComparison.Ordinal);
        Assert.Contains("a101617100000001", text, StringComparison.Ordinal);
        var map = EncodedMessage.Decode(changed).ApplicationProperties.Map;
        Assert.Equal((1, "new", 3, 3), (map["a"], map["b"], map["c"], map.Count));

        // Where there were none they are made, however many.
        var many = Enumerable.Range(0, 300).ToDictionary(static i => $"key-{i}", static i => (object)i);
        var made = EncodedMessage.Decode(EncodedMessage.WithApplicationProperties([.. Properties, .. Sequences], many)).ApplicationProperties.Map;
        Assert.Equal((300, 299), (made.Count, made["key-299"]));
    }

    [Fact]
    public void A_dead_letter_says_where_it_was_and_a_sender_cannot()
    {
        var forged = AmqpBytes.ChangeMap([], static _ => false, [.. AmqpBytes.Encode(AmqpNames.DeadLetterSource), .. AmqpBytes.Encode("forged"), .. AmqpBytes.Encode(new Symbol("own")), .. AmqpBytes.Encode(1)], 4)!;
        var message = Assert.Single(MessageCodec.Read([0x00, 0x53, 0x72, .. forged, .. Properties, .. Sequences], false, Now));
        Assert.Equal("1", $"{Delivered(message)[new Symbol("own")]}");
        Assert.Null(Delivered(message)[AmqpNames.DeadLetterSource]);
        message.Annotations = EncodedMessage.WithDeadLetterSource(EncodedMessage.WithDeadLetterSource(message.Annotations, "first"), "second");
        Assert.Equal("second", Delivered(message)[AmqpNames.DeadLetterSource]);
    }

    [Theory]
    [InlineData("00 53 76 45 00 53 75 a0 01 01")] // A sequence, then data.
    [InlineData("00 53 77 41 00 53 77 41")] // Two values.
    [InlineData("00 53 75 a0 01 01 00 53 73 45")] // Properties behind the body.
    [InlineData("00 53 75 a0 01 01 00 53 78 c1 01 00 00 53 75 a0 01 01")] // Data behind the footer.
    [InlineData("00 53 72 c1 01 00")] // No body.
    public void Sections_in_another_order_are_refused(string bytes)
        => Assert.Throws<InvalidMessageException>(() => MessageCodec.Read(Bytes(bytes), false, Now));

    [Fact]
    public void Ids_are_the_same_only_within_their_type()
    {
        var guid = Guid.NewGuid();
        object[] ids = ["7", 7UL, "\u0001u:7", guid, $"{guid:N}", $"\u0001g:{guid:N}", new byte[] { 7 }, "07", "a\0", "\u0001b:07", new byte[] { 0x61, 0 }];
        Assert.Equal(ids.Length, ids.Select(MessageIdentity.Of).Distinct().Count());
        Assert.Equal(MessageIdentity.Of(new byte[] { 1, 2 }), MessageIdentity.Of(new byte[] { 1, 2 }));
        Assert.Null(MessageIdentity.Of(null));
    }

    private static Map Delivered(QueuedMessage message)
        => EncodedMessage.Decode(EncodedMessage.ToArray(MessageCodec.Write(new Delivery(message, message.Payload!, Guid.Empty, default), "q"))).MessageAnnotations.Map;

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
