using System.Globalization;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Transactions;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>Decides what a link that a client opens leads to.</summary>
internal sealed partial class LinkRouter(Broker broker, ServiceBusOptions options, TokenValidator tokens, TimeProvider time, ILogger logger) : ILinkProcessor
{
    private const int RequestCredit = 200;
    private const int SendCredit = 200;

    private static readonly TimeSpan DefaultSessionWait = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxSessionWait = TimeSpan.FromMinutes(5);

    public void Process(AttachContext attachContext)
    {
        var attach = attachContext.Attach;
        var state = ConnectionState.Of(attachContext.Link);
        if (attach.Target is Coordinator)
        {
            attachContext.Complete(new CoordinatorEndpoint(state, attachContext.Link.Session, broker.Writer, time, logger), RequestCredit);
            return;
        }

        var address = EntityNames.PathOf((attach.Role ? (attach.Source as Source)?.Address : (attach.Target as Target)?.Address) ?? string.Empty);
        if (address == AmqpNames.CbsAddress)
        {
            AttachNode(attachContext, state, () => new CbsEndpoint(state, tokens, logger));
            return;
        }

        var isManagement = address.EndsWith(AmqpNames.ManagementSuffix, StringComparison.OrdinalIgnoreCase);
        var name = isManagement ? address[..^AmqpNames.ManagementSuffix.Length] : address;
        var part = broker.Catalog.FindPart(name);
        var entity = part?.Entity ?? broker.Catalog.Find(name);
        if (entity is null)
        {
            Refuse(attachContext, ErrorCode.NotFound, $"The messaging entity '{name}' could not be found.");
        }
        else if (!(state.RightEnds(address.ToLowerInvariant(), Needed(isManagement, attach.Role)) > time.GetUtcNow()))
        {
            Refuse(attachContext, ErrorCode.UnauthorizedAccess, $"Unauthorized access to '{address}': no valid token that allows it was put to $cbs.");
        }
        else if (isManagement)
        {
            AttachNode(attachContext, state, () => new ManagementEndpoint(attachContext.Link.Session, state, broker, entity, part, options, time, logger));
        }
        else if (attach.Role)
        {
            AttachReceiver(attachContext, state, entity, part);
        }
        else
        {
            AttachSender(attachContext, state, entity, part);
        }
    }

    // What a request needs depends on its operation.
    private static AccessRights Needed(bool isManagement, bool receives)
        => isManagement ? AccessRights.None : receives ? AccessRights.Listen : AccessRights.Send;

    private static void Refuse(AttachContext context, string condition, string description)
        => context.Complete(new Error(condition) { Description = description });

    private static void AttachNode(AttachContext context, ConnectionState state, Func<RequestEndpoint> create)
    {
        if (!context.Attach.Role)
        {
            var requests = create();
            requests.Node = (context.Attach.Target as Target)?.Address;
            context.Complete(requests, RequestCredit);
            return;
        }

        // Most SDKs name the answer link in reply-to: by its target address, or, for lack of one, by its name. Those that name none (Python's)
        // expect the answer on the link of the same session that comes from the node.
        var replies = new ReplyEndpoint(state, context.Link);
        if (state.Transport is { } transport)
        {
            transport.Follow(transport.Place(context), replies, context.Link);
        }

        state.AddReplies(context.Link.Name, replies);
        if ((context.Attach.Target as Target)?.Address is { Length: > 0 } target)
        {
            state.AddReplies(target, replies);
        }

        if ((context.Attach.Source as Source)?.Address is { Length: > 0 } node)
        {
            state.AddReplies(context.Link.Session, node, replies);
        }

        context.Complete(replies, 0);
    }

    private void AttachSender(AttachContext context, ConnectionState state, Entity entity, MessageQueue? part)
    {
        if (part is { Part: not QueuePart.Main } || entity.Definition.Kind == EntityKind.Subscription)
        {
            Refuse(context, ErrorCode.NotAllowed, "Messages can be sent to queues and topics only.");
        }
        else if (!entity.Properties.CanSend)
        {
            Refuse(context, AmqpNames.EntityDisabled, $"The entity '{entity.Name}' takes no messages now.");
        }
        else
        {
            context.Attach.MaxMessageSize = (ulong)entity.MaxMessageSize(options.MaxMessageSizeBytes);
            context.Complete(new SenderEndpoint(context.Link, state, broker, entity, options, Idle(context, entity.Name), time, logger), SendCredit);
        }
    }

    private void AttachReceiver(AttachContext context, ConnectionState state, Entity entity, MessageQueue? part)
    {
        var filters = (context.Attach.Source as Source)?.FilterSet;
        var wantsSession = filters?.ContainsKey(AmqpNames.SessionFilter) == true;
        if (UnknownFilter(filters) is { } unknown)
        {
            // Without it the receiver would take messages that it does not want from those who do.
            Refuse(context, ErrorCode.NotImplemented, $"The filter '{unknown}' is not supported; receive from a subscription whose rules select the messages.");
        }
        else if (part is null)
        {
            Refuse(context, ErrorCode.NotAllowed, "Messages are received from a topic's subscriptions, not from the topic.");
        }
        else if (!entity.Properties.CanReceive)
        {
            Refuse(context, AmqpNames.EntityDisabled, $"The entity '{entity.Name}' gives no messages now.");
        }
        else if (part.Part == QueuePart.Main && part.Entity.Sessions is { } sessions)
        {
            if (wantsSession)
            {
                _ = AttachSessionAsync(context, state, part, sessions);
            }
            else
            {
                Refuse(context, ErrorCode.NotAllowed, "It is not possible for an entity that requires sessions to create a non-sessionful message receiver.");
            }
        }
        else if (wantsSession)
        {
            Refuse(context, ErrorCode.NotAllowed, "A sessionful message receiver cannot be created on an entity that does not require sessions.");
        }
        else
        {
            CompleteReceiver(context, state, part, null, state.Transport?.Place(context));
        }
    }

    private static string? UnknownFilter(Map? filters)
        => filters?.Keys.Select(Dispositions.Text).FirstOrDefault(static name => name != AmqpNames.SessionFilter.ToString());

    // The answer comes when a session is there, or when the client's time is over.
    private async Task AttachSessionAsync(AttachContext context, ConnectionState state, MessageQueue part, SessionRegistry sessions)
    {
        var place = state.Transport!.Place(context);
        var pending = state.Transport.Postpone(context);
        try
        {
            var source = (Source)context.Attach.Source;
            var wanted = SessionId(source.FilterSet[AmqpNames.SessionFilter]);
            var hold = wanted is null ? await AcceptNextAsync(context, sessions) : sessions.Accept(wanted);
            if (hold is null)
            {
                pending.TryComplete(() => Refuse(
                    context,
                    wanted is null ? AmqpNames.Timeout : AmqpNames.SessionCannotBeLocked,
                    wanted is null ? "No session with messages became available in time." : $"The session '{wanted}' is locked by another receiver."));
                return;
            }

            source.FilterSet[AmqpNames.SessionFilter] = hold.Id;
            context.Attach.Properties ??= new Fields();
            context.Attach.Properties[AmqpNames.SessionLockedUntil] = hold.LockedUntil.Ticks;
            if (!pending.TryComplete(() => CompleteReceiver(context, state, part, hold, place)))
            {
                sessions.Release(hold);
            }
        }
        catch (Exception exception)
        {
            LogSessionFailed(logger, exception, part.Name);
            pending.TryComplete(() => Refuse(context, ErrorCode.InternalError, "The session could not be opened."));
        }
    }

    private static async Task<SessionHold?> AcceptNextAsync(AttachContext context, SessionRegistry sessions)
    {
        using var closed = new CancellationTokenSource();
        context.Link.Closed += (_, _) => Cancel(closed);
        var timeout = context.Attach.Properties?[AmqpNames.OperationTimeout] is { } value
            ? TimeSpan.FromMilliseconds(Convert.ToDouble(value, CultureInfo.InvariantCulture))
            : DefaultSessionWait;
        return await sessions.AcceptNextAsync(timeout < MaxSessionWait ? timeout : MaxSessionWait, closed.Token);
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The session was accepted before the link closed.
        }
    }

    private IdleLink Idle(AttachContext context, string name) => new(context.Link, name, TimeSpan.FromSeconds(options.LinkIdleTimeoutSeconds), time, logger);

    // Some clients describe the filter's value, as AMQP has it for filters.
    private static string? SessionId(object? filter) => filter is DescribedValue described ? described.Value as string : filter as string;

    private void CompleteReceiver(AttachContext context, ConnectionState state, MessageQueue part, SessionHold? hold, (ushort Channel, uint Handle)? place)
    {
        var deletes = context.Attach.SndSettleMode == SenderSettleMode.Settled;
        context.Attach.MaxMessageSize = (ulong)options.MaxMessageSizeBytes;
        part.Entity.Touch(time.GetUtcNow().UtcDateTime);

        // A session that is held is not idle: its lock is renewed, or ends and takes the link with it.
        var idle = hold is null ? Idle(context, part.Name) : null;
        var endpoint = new ReceiverEndpoint(context.Link, state, hold?.Messages ?? part, hold, deletes, idle, time, logger);
        if (place is { } known)
        {
            state.Transport!.Follow(known, endpoint, context.Link);
        }

        context.Complete(endpoint, 0);
        LogReceiverAttached(logger, part.Name);
    }

    [LoggerMessage(20, LogLevel.Debug, "A receiver attached to {Queue}")]
    private static partial void LogReceiverAttached(ILogger logger, string queue);

    [LoggerMessage(25, LogLevel.Warning, "A session of {Queue} could not be opened")]
    private static partial void LogSessionFailed(ILogger logger, Exception exception, string queue);
}
