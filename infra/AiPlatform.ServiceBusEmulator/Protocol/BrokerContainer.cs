using System.Net.Sockets;
using AiPlatform.ServiceBusEmulator.Messages;
using Amqp;
using Amqp.Handler;
using Amqp.Listener;
using Amqp.Transactions;

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
    internal BrokerContainer(IList<string> addresses, IHandler handler)
        : base(addresses)
    {
        foreach (var listener in Listeners)
        {
            listener.HandlerFactory = _ => handler;
        }

        // A coordinator is a target without an address, and the library looks for one before it asks where a link leads.
        AddressResolver = static (_, attach) => attach.Target is Coordinator ? AmqpNames.CoordinatorAddress : null;
    }

    Message IContainer.CreateMessage(ByteBuffer buffer) => new RawMessage(EncodedMessage.ToArray(buffer));
}

/// <summary>
/// Tags a locked message's delivery with its lock token, as 16 bytes, and leads an accepted socket to the transport that is made
/// for it later in the same asynchronous flow.
/// </summary>
internal sealed class ConnectionHandler(Strangers strangers) : IHandler
{
    private static readonly AsyncLocal<Socket?> Accepted = new();

    /// <summary>The socket of the connection that is being negotiated.</summary>
    internal static Socket? AcceptedSocket => Accepted.Value;

    public bool CanHandle(Amqp.Handler.EventId id) => id is Amqp.Handler.EventId.SendDelivery or Amqp.Handler.EventId.SocketAccept;

    public void Handle(Event protocolEvent)
    {
        if (protocolEvent.Id == Amqp.Handler.EventId.SocketAccept)
        {
            Accepted.Value = protocolEvent.Context as Socket;
            if (Accepted.Value is { } socket)
            {
                strangers.Came(socket);
            }

            return;
        }

        if (protocolEvent.Id == Amqp.Handler.EventId.SendDelivery
            && protocolEvent.Context is IDelivery { Message: OutgoingMessage message } delivery
            && message.LockToken != Guid.Empty)
        {
            delivery.Tag = message.LockToken.ToByteArray();
        }
    }
}
