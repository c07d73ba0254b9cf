using AiPlatform.Messaging;
using AiPlatform.Messaging.Transport;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.Tests.Messaging;

public sealed class MessageConversionTests
{
    [Fact]
    public void Only_what_is_set_is_sent()
    {
        var amqp = AmqpMessageConverter.ToAmqp(new ServiceBusMessage("x"));
        Assert.NotEmpty(amqp.Properties.MessageId);
        Assert.Null(amqp.Header);
        Assert.Null(amqp.MessageAnnotations);
        Assert.False(amqp.Properties.HasField(5));
    }

    [Fact]
    public void A_property_of_a_type_that_amqp_lacks_is_refused()
    {
        var message = new ServiceBusMessage("x") { ApplicationProperties = { ["list"] = new List<int>() } };
        Assert.Throws<ArgumentException>(() => AmqpMessageConverter.ToAmqp(message));
    }

    [Fact]
    public void Bodies_of_every_kind_are_read()
    {
        Assert.Equal("text", Read(new Message("text")).Body.ToString());
        Assert.Equal("42", Read(new Message(42)).Body.ToString());
        Assert.Equal([1, 2], Read(new Message(new byte[] { 1, 2 })).Body.ToArray());
        Assert.Empty(Read(new Message()).Body.ToArray());
        var list = new DataList();
        list.Add(new Amqp.Framing.Data { Binary = [1] });
        list.Add(new Amqp.Framing.Data { Binary = [2, 3] });
        Assert.Equal([1, 2, 3], Read(new Message { BodySection = list }).Body.ToArray());
    }

    [Fact]
    public void A_copy_of_a_dead_letter_forgets_why_it_died()
    {
        var received = Read(new Message("x")
        {
            Properties = new Properties { MessageId = "m", Subject = "s", GroupId = "g" },
            ApplicationProperties = new ApplicationProperties { ["DeadLetterReason"] = "r", ["kept"] = 1 },
        });
        Assert.Equal("r", received.DeadLetterReason);
        var copy = new ServiceBusMessage(received);
        Assert.Equal(("m", "s", "g"), (copy.MessageId, copy.Subject, copy.SessionId));
        Assert.Equal(["kept"], copy.ApplicationProperties.Keys);
    }

    [Fact]
    public void A_batch_takes_messages_until_it_is_full()
    {
        using var batch = new ServiceBusMessageBatch(2_000);
        Assert.True(batch.TryAddMessage(new ServiceBusMessage(new byte[800])));
        Assert.True(batch.TryAddMessage(new ServiceBusMessage(new byte[800])));
        Assert.False(batch.TryAddMessage(new ServiceBusMessage(new byte[800])));
        Assert.Equal(2, batch.Count);
        Assert.True(AmqpMessageConverter.Encode(AmqpMessageConverter.ToBatch(batch.Messages)).Length <= batch.MaxSizeInBytes);
    }

    private static ServiceBusReceivedMessage Read(Message message) => AmqpMessageConverter.FromAmqp(message, Guid.Empty, isDelivery: false);
}
