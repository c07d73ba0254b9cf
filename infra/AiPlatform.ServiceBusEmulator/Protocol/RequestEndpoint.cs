using AiPlatform.ServiceBusEmulator.Messages;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Transactions;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The answer to a request: a status and, when it went well, a body.</summary>
internal sealed record Reply(int Status, string Description, string? Condition = null, object? Body = null);

/// <summary>
/// A node that answers requests: each one on the link that its reply-to names, or else on that of its session which comes from the node,
/// by its message id.
/// </summary>
internal abstract partial class RequestEndpoint(ConnectionState state, ILogger logger) : LinkEndpoint
{
    protected ConnectionState State => state;

    /// <summary>The node's address, as the client wrote it.</summary>
    internal string? Node { get; set; }

    /// <summary>What the status is called in answers: <c>$cbs</c> and management differ.</summary>
    protected abstract string StatusKey { get; }

    /// <summary>What the description is called in answers.</summary>
    protected abstract string DescriptionKey { get; }

    /// <summary>Handles one request. What it throws becomes a 400 or 500.</summary>
    protected abstract Task<Reply> HandleAsync(Message request, TransactionalState? transactional);

    public sealed override void OnMessage(MessageContext messageContext)
    {
        state.Transport?.OnMessage();
        _ = AnswerAsync(messageContext);
    }

    public sealed override void OnFlow(FlowContext flowContext)
    {
    }

    public sealed override void OnDisposition(DispositionContext dispositionContext)
    {
    }

    private async Task AnswerAsync(MessageContext context)
    {
        try
        {
            Message request;
            try
            {
                request = EncodedMessage.Decode(((RawMessage)context.Message).Encoded);
            }
            catch (Exception exception)
            {
                LogRequestFailed(logger, exception);
                context.Complete(new Error(ErrorCode.DecodeError) { Description = "The request cannot be decoded." });
                return;
            }

            context.Complete();
            var reply = await ReplyAsync(request, context.DeliveryState as TransactionalState);
            state.FindReplies(request.Properties?.ReplyTo, context.Link.Session, Node)?.Send(Encode(request, reply));
        }
        catch (Exception exception)
        {
            // The client went away before its answer: nobody is left to tell.
            LogRequestFailed(logger, exception);
        }
    }

    private async Task<Reply> ReplyAsync(Message request, TransactionalState? transactional)
    {
        try
        {
            return await HandleAsync(request, transactional);
        }
        catch (Exception exception) when (exception is InvalidCastException or FormatException or ArgumentException or NullReferenceException or KeyNotFoundException)
        {
            LogRequestFailed(logger, exception);
            return new Reply(400, "The request is malformed.", AmqpNames.ArgumentError);
        }
        catch (Exception exception)
        {
            LogRequestFailed(logger, exception);
            return new Reply(500, "The broker failed to carry out the request.", ErrorCode.InternalError);
        }
    }

    private Message Encode(Message request, Reply reply)
    {
        var message = reply.Body is null ? new Message() : new Message(reply.Body);
        message.Properties = new Properties();
        if (request.Properties?.GetMessageId() is { } id)
        {
            message.Properties.SetCorrelationId(id);
        }

        message.ApplicationProperties = new ApplicationProperties
        {
            [StatusKey] = reply.Status,
            [DescriptionKey] = reply.Description,
        };
        if (reply.Condition is { } condition)
        {
            message.ApplicationProperties["errorCondition"] = new Amqp.Types.Symbol(condition);
            message.ApplicationProperties["error-condition"] = new Amqp.Types.Symbol(condition);
        }

        return message;
    }

    [LoggerMessage(23, LogLevel.Debug, "A request was not carried out")]
    private static partial void LogRequestFailed(ILogger logger, Exception exception);
}
