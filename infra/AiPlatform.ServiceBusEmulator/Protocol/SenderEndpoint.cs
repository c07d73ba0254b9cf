using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A link on which a client sends: each message is answered when it is durable.</summary>
internal sealed partial class SenderEndpoint(
    ConnectionState state, Broker broker, MessageQueue queue, ServiceBusOptions options, TimeProvider time, ILogger logger) : LinkEndpoint
{
    public override void OnMessage(MessageContext messageContext)
    {
        state.Transport?.OnMessage();
        var raw = (RawMessage)messageContext.Message;
        try
        {
            if (!(state.RightEnds(queue.Name) > time.GetUtcNow()))
            {
                messageContext.Link.Close(TimeSpan.Zero, new Error(ErrorCode.UnauthorizedAccess) { Description = "The token has expired." });
                return;
            }

            if (raw.Encoded.Length > options.MaxMessageSizeBytes)
            {
                messageContext.Complete(new Error(ErrorCode.MessageSizeExceeded)
                {
                    Description = $"The message has {raw.Encoded.Length} bytes, more than the {options.MaxMessageSizeBytes} allowed.",
                });
                return;
            }

            var messages = MessageCodec.Read(
                raw.Encoded, raw.Format == AmqpNames.BatchMessageFormat, queue.Entity.Id, queue.Part, time.GetUtcNow().UtcDateTime);
            _ = SendAsync(messageContext, messages);
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

    private async Task SendAsync(MessageContext context, List<QueuedMessage> messages)
    {
        try
        {
            await broker.SendAsync(queue, messages);
            context.Complete();
        }
        catch (Exception exception)
        {
            LogSendFailed(logger, exception, queue.Name);
            TryReject(context, exception);
        }
    }

    private void TryReject(MessageContext context, Exception exception)
    {
        try
        {
            context.Complete(new Error(exception is BrokerBusyException ? AmqpNames.ServerBusy : ErrorCode.InternalError)
            {
                Description = exception is BrokerBusyException ? exception.Message : "The message could not be stored.",
            });
        }
        catch (Exception gone) when (gone is AmqpException or InvalidOperationException or ObjectDisposedException)
        {
            // The sender is gone; it learns nothing and sends again.
            LogSendFailed(logger, gone, queue.Name);
        }
    }

    [LoggerMessage(21, LogLevel.Debug, "A message for {Queue} was not accepted")]
    private static partial void LogSendFailed(ILogger logger, Exception exception, string queue);
}
