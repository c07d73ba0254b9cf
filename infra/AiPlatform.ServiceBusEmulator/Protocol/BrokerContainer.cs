using Amqp;
using Amqp.Handler;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A message as it came, not yet decoded: the broker decides itself what is wrong with it and tells the sender.</summary>
internal sealed class RawMessage(byte[] encoded) : Message
{
    internal byte[] Encoded => encoded;
}

/// <summary>A message on its way to a receiver; carries its lock through the library to the disposition.</summary>
internal sealed class OutgoingMessage(Guid lockToken) : Message
{
    internal Guid LockToken => lockToken;
}

/// <summary>The AMQP container: takes messages undecoded, and tags deliveries with their lock tokens.</summary>
internal sealed class BrokerContainer : ContainerHost, IContainer
{
    internal BrokerContainer(string address, IHandler handler)
        : base([address])
    {
        Listeners[0].HandlerFactory = _ => handler;
    }

    Message IContainer.CreateMessage(ByteBuffer buffer) => new RawMessage(MessageCodec.ToArray(buffer));
}

/// <summary>The delivery tag of a locked message is its lock token, as 16 bytes.</summary>
internal sealed class DeliveryTagger : IHandler
{
    public bool CanHandle(Amqp.Handler.EventId id) => id == Amqp.Handler.EventId.SendDelivery;

    public void Handle(Event protocolEvent)
    {
        if (protocolEvent.Id == Amqp.Handler.EventId.SendDelivery
            && protocolEvent.Context is IDelivery { Message: OutgoingMessage message } delivery
            && message.LockToken != Guid.Empty)
        {
            delivery.Tag = message.LockToken.ToByteArray();
        }
    }
}
