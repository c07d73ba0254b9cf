using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Protocol;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Types;
using CsCheck;

namespace AiPlatform.Tests.ServiceBusEmulator;

public sealed class MessageCodecTests
{
    private static readonly DateTime Now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void What_the_sender_encoded_is_kept_and_the_broker_adds_its_own()
    {
        var sent = new Message
        {
            Header = new Header { Ttl = 60_000 },
            MessageAnnotations = new MessageAnnotations { [new Symbol("x-opt-partition-key")] = "p" },
            Properties = new Properties { MessageId = "m" },
            ApplicationProperties = new ApplicationProperties { ["k"] = 1 },
            BodySection = new Amqp.Framing.Data { Binary = [1, 2, 3] },
        };
        var message = Assert.Single(Read(sent));
        message.Id = 7;
        message.DeliveryCount = 2;
        var token = Guid.NewGuid();

        var delivered = Delivered(new Delivery(message, message.Payload!, token, Now.AddMinutes(1)));

        Assert.Equal(("m", 1), (delivered.Properties.MessageId, delivered.ApplicationProperties["k"]));
        Assert.Equal([1, 2, 3], (byte[])delivered.Body);
        Assert.Equal((60_000u, 2u, true), (delivered.Header.Ttl, delivered.Header.DeliveryCount, delivered.Header.Durable));
        Assert.Equal("p", delivered.MessageAnnotations[new Symbol("x-opt-partition-key")]);
        Assert.Equal(7L, delivered.MessageAnnotations[AmqpNames.SequenceNumber]);
        Assert.Equal(Now, delivered.MessageAnnotations[AmqpNames.EnqueuedTime]);
        Assert.Equal(Now.AddMinutes(1), delivered.MessageAnnotations[AmqpNames.LockedUntil]);
    }

    [Fact]
    public void A_message_for_later_is_scheduled_and_one_for_earlier_is_not()
    {
        Message At(DateTime time) => new("x") { MessageAnnotations = new MessageAnnotations { [AmqpNames.ScheduledEnqueueTime] = time } };
        Assert.Equal((MessageState.Scheduled, Now.AddHours(1)), Read(At(Now.AddHours(1)))[0] is var later ? (later.State, later.VisibleAt) : default);
        Assert.Equal((MessageState.Active, null), Read(At(Now.AddHours(-1)))[0] is var earlier ? (earlier.State, earlier.VisibleAt) : default);
    }

    [Fact]
    public void A_message_without_an_id_gets_one()
    {
        var message = Read(new Message("x"))[0];
        Assert.NotEmpty(EncodedMessage.Decode(message.Payload!).Properties.MessageId);
    }

    [Fact]
    public void Properties_are_set_and_replaced()
    {
        var payload = Read(new Message("x") { Properties = new Properties { MessageId = "m" }, ApplicationProperties = new ApplicationProperties { ["a"] = 1, ["b"] = 2 } })[0].Payload!;
        var changed = EncodedMessage.Decode(EncodedMessage.WithApplicationProperties(payload, new Dictionary<string, object> { ["b"] = 3, ["c"] = "new" }));
        Assert.Equal((1, 3, "new"), (changed.ApplicationProperties["a"], changed.ApplicationProperties["b"], changed.ApplicationProperties["c"]));
        Assert.Same(payload, EncodedMessage.WithApplicationProperties(payload, new Dictionary<string, object>()));
    }

    [Fact]
    public void Any_bytes_are_a_message_or_refused_as_invalid()
        => Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            foreach (var isBatch in (bool[])[false, true])
            {
                try
                {
                    _ = MessageCodec.Read(bytes, isBatch, Now);
                }
                catch (InvalidMessageException)
                {
                    // The one way in which reading may fail.
                }
            }
        });

    [Fact]
    public void A_proper_message_with_any_byte_changed_is_a_message_or_refused_as_invalid()
    {
        var proper = EncodedMessage.ToArray(new Message(new Map { ["list"] = new List { 1, "two", 3.0 } })
        {
            Header = new Header { Durable = true },
            Properties = new Properties { MessageId = "m", To = "t" },
            ApplicationProperties = new ApplicationProperties { ["k"] = new[] { 1L, 2L } },
        }.Encode());
        Gen.Select(Gen.Int[0, proper.Length - 1], Gen.Byte).Sample((place, value) =>
        {
            var bytes = (byte[])proper.Clone();
            bytes[place] = value;
            try
            {
                _ = MessageCodec.Read(bytes, false, Now);
            }
            catch (InvalidMessageException)
            {
                // The one way in which reading may fail.
            }
        });
    }

    [Fact]
    public void String_and_symbol_keys_of_an_error_are_read_alike()
    {
        var info = new Fields();
        ((Dictionary<object, object>)info)["DeadLetterReason"] = "r";
        ((Dictionary<object, object>)info)[new Symbol("DeadLetterErrorDescription")] = "d";
        ((Dictionary<object, object>)info)["extra"] = 1;
        var outcome = Dispositions.Outcome(new Rejected { Error = new Error("com.microsoft:dead-letter") { Info = info } });
        Assert.Equal((OutcomeKind.DeadLetter, "r", "d"), (outcome!.Kind, outcome.Reason, outcome.Description));
        Assert.Equal(1, outcome.Changes!["extra"]);
        Assert.Equal((null, null, null), (Dispositions.Outcome(new Rejected())!.Reason, Dispositions.Outcome(new Rejected())!.Description, Dispositions.Outcome(new Rejected())!.Changes));
    }

    private static List<QueuedMessage> Read(Message message) => MessageCodec.Read(EncodedMessage.ToArray(message.Encode()), false, Now);

    private static Message Delivered(Delivery delivery) => EncodedMessage.Decode(EncodedMessage.ToArray(MessageCodec.Write(delivery, "q")));
}
