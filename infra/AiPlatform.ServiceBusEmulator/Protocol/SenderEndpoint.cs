using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Transactions;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A link on which a client sends: each message is answered when it is durable.</summary>
internal sealed partial class SenderEndpoint(
    ListenerLink link, ConnectionState state, Broker broker, Entity entity, ServiceBusOptions options, IdleLink idle, TimeProvider time, ILogger logger) : LinkEndpoint
{
    public override void OnMessage(MessageContext messageContext)
    {
        state.Transport?.OnMessage();
        idle.Touch();
        var raw = (RawMessage)messageContext.Message;
        if (EndsLink() is { } end)
        {
            // Both: a client that waits for this message's outcome need not understand that its link is gone.
            messageContext.Complete(end);
            messageContext.Link.Close(TimeSpan.Zero, end);
            return;
        }

        try
        {
            var messages = Read(raw.Encoded, raw.Format == AmqpNames.BatchMessageFormat);
            if (messageContext.DeliveryState is TransactionalState transactional)
            {
                Enlist(messageContext, transactional, messages);
            }
            else
            {
                _ = SendAsync(messageContext, messages);
            }
        }
        catch (InvalidMessageException exception)
        {
            messageContext.Complete(new Error(exception.Condition) { Description = exception.Message });
        }
    }

    public override void OnFlow(FlowContext flowContext)
    {
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
    }

    private Error? EndsLink() => this switch
    {
        _ when !(state.RightEnds(entity.Name, AccessRights.Send) > time.GetUtcNow()) => new Error(ErrorCode.UnauthorizedAccess) { Description = "The token has expired." },
        _ when entity.IsDeleted => new Error(ErrorCode.NotFound) { Description = $"The messaging entity '{entity.Name}' could not be found: it was deleted." },
        _ when !entity.Properties.CanSend => new Error(AmqpNames.EntityDisabled) { Description = $"The entity '{entity.Name}' takes no messages now." },
        _ => null,
    };

    private List<QueuedMessage> Read(byte[] encoded, bool isBatch)
    {
        var most = entity.MaxMessageSize(options.MaxMessageSizeBytes);
        if (encoded.Length > most)
        {
            throw new InvalidMessageException(ErrorCode.MessageSizeExceeded, $"The message has {encoded.Length} bytes, more than the {most} allowed.");
        }

        var messages = MessageCodec.Read(encoded, isBatch, time.GetUtcNow().UtcDateTime);
        return entity is QueueEntity { Sessions: not null } && messages.Exists(static message => message.SessionId is null)
            ? throw new InvalidMessageException(ErrorCode.NotAllowed, $"The entity '{entity.Name}' requires sessions, and the message has no session id.")
            : messages;
    }

    private void Enlist(MessageContext context, TransactionalState transactional, List<QueuedMessage> messages)
    {
        try
        {
            var transaction = state.FindTransaction(transactional.TxnId);
            transaction?.Enter(link.Session, entity.Root);
            if (transaction?.TryAdd(broker.BeginSend(entity, messages)) == true)
            {
                context.Link.DisposeMessage(context.Message, new TransactionalState { TxnId = transactional.TxnId, Outcome = new Accepted() }, true);
            }
            else
            {
                context.Complete(new Error(ErrorCode.TransactionUnknownId) { Description = "The transaction does not exist or has ended." });
            }
        }
        catch (TransactionScopeException exception)
        {
            context.Complete(new Error(ErrorCode.NotAllowed) { Description = exception.Message });
        }
        catch (Exception exception) when (exception is TransactionLimitException or QuotaExceededException)
        {
            context.Complete(new Error(ErrorCode.ResourceLimitExceeded) { Description = exception.Message });
        }
    }

    private async Task SendAsync(MessageContext context, List<QueuedMessage> messages)
    {
        idle.Begin();
        try
        {
            await broker.SendAsync(entity, messages);
            context.Complete();
        }
        catch (Exception exception)
        {
            LogSendFailed(logger, exception, entity.Name);
            TryReject(context, exception);
        }
        finally
        {
            idle.End();
        }
    }

    private void TryReject(MessageContext context, Exception exception)
    {
        try
        {
            var condition = exception switch
            {
                BrokerBusyException => AmqpNames.ServerBusy,
                QuotaExceededException => ErrorCode.ResourceLimitExceeded,
                _ => ErrorCode.InternalError,
            };
            context.Complete(new Error(condition)
            {
                Description = exception is BrokerBusyException or QuotaExceededException ? exception.Message : "The message could not be stored.",
            });
        }
        catch (Exception gone) when (gone is AmqpException or InvalidOperationException or ObjectDisposedException)
        {
            // The sender is gone; it learns nothing and sends again.
            LogSendFailed(logger, gone, entity.Name);
        }
    }

    [LoggerMessage(21, LogLevel.Debug, "A message for {Queue} was not accepted")]
    private static partial void LogSendFailed(ILogger logger, Exception exception, string queue);
}
