using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>Decides what a link that a client opens leads to.</summary>
internal sealed partial class LinkRouter(Broker broker, ServiceBusOptions options, SasValidator validator, TimeProvider time, ILogger logger) : ILinkProcessor
{
    private const int RequestCredit = 200;
    private const int SendCredit = 200;

    public void Process(AttachContext attachContext)
    {
        var attach = attachContext.Attach;
        var state = ConnectionState.Of(attachContext.Link);
        var address = Normalise(attach.Role ? (attach.Source as Source)?.Address : (attach.Target as Target)?.Address);
        if (address == AmqpNames.CbsAddress)
        {
            AttachNode(attachContext, state, () => new CbsEndpoint(state, validator, time, logger));
            return;
        }

        var isManagement = address.EndsWith(AmqpNames.ManagementSuffix, StringComparison.OrdinalIgnoreCase);
        var entity = isManagement ? address[..^AmqpNames.ManagementSuffix.Length] : address;
        if (broker.Find(entity) is not { } queue)
        {
            attachContext.Complete(new Error(ErrorCode.NotFound) { Description = $"The messaging entity '{entity}' could not be found." });
        }
        else if (!(state.RightEnds(address.ToLowerInvariant()) > time.GetUtcNow()))
        {
            attachContext.Complete(new Error(ErrorCode.UnauthorizedAccess) { Description = $"Unauthorized access to '{address}': no valid token was put to $cbs." });
        }
        else if (isManagement)
        {
            AttachNode(attachContext, state, () => new ManagementEndpoint(state, broker, queue, options, time, logger));
        }
        else if (attach.Role)
        {
            AttachReceiver(attachContext, state, queue);
        }
        else if (queue.Part != QueuePart.Main)
        {
            attachContext.Complete(new Error(ErrorCode.NotAllowed) { Description = "Messages cannot be sent to a dead-letter queue." });
        }
        else
        {
            attach.MaxMessageSize = (ulong)options.MaxMessageSizeBytes;
            attachContext.Complete(new SenderEndpoint(state, broker, queue, options, time, logger), SendCredit);
        }
    }

    // Clients name entities bare, with a leading slash, or as whole URIs.
    private static string Normalise(string? address)
    {
        var path = address ?? string.Empty;
        var scheme = path.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            var slash = path.IndexOf('/', scheme + 3);
            path = slash < 0 ? string.Empty : path[(slash + 1)..];
        }

        return path.Trim('/');
    }

    private static void AttachNode(AttachContext context, ConnectionState state, Func<RequestEndpoint> create)
    {
        if (!context.Attach.Role)
        {
            context.Complete(create(), RequestCredit);
            return;
        }

        // The SDKs name the answer link in reply-to: by its target address, or, for lack of one, by its name.
        state.AddReplyLink(context.Link.Name, context.Link);
        if ((context.Attach.Target as Target)?.Address is { Length: > 0 } target)
        {
            state.AddReplyLink(target, context.Link);
        }

        context.Complete(new ReplyEndpoint(state), 0);
    }

    private void AttachReceiver(AttachContext context, ConnectionState state, MessageQueue queue)
    {
        var deletes = context.Attach.SndSettleMode == SenderSettleMode.Settled;
        context.Attach.MaxMessageSize = (ulong)options.MaxMessageSizeBytes;
        var endpoint = new ReceiverEndpoint(context.Link, state, queue, deletes, time, logger);
        queue.Attach(endpoint.AsConsumer);
        context.Complete(endpoint, 0);
        LogReceiverAttached(logger, queue.Name);
    }

    [LoggerMessage(20, LogLevel.Debug, "A receiver attached to {Queue}")]
    private static partial void LogReceiverAttached(ILogger logger, string queue);
}
