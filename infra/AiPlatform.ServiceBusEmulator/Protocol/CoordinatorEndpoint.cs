using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using AiPlatform.ServiceBusEmulator.Storage;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Transactions;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The transaction coordinator of a link: declares transactions, and commits or rolls back what was done in them.</summary>
internal sealed partial class CoordinatorEndpoint(ConnectionState state, Session session, MessageWriter writer, TimeProvider time, ILogger logger) : LinkEndpoint
{
    private const int MaxOpen = 100;

    // As in the service: a transaction that lasts longer is rolled back.
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ITimer> _open = new(StringComparer.Ordinal);

    public override void OnMessage(MessageContext messageContext)
    {
        state.Transport?.OnMessage();
        try
        {
            switch (EncodedMessage.Decode(((RawMessage)messageContext.Message).Encoded).Body)
            {
                case Declare:
                    DeclareTransaction(messageContext);
                    break;
                case Discharge discharge:
                    _ = DischargeAsync(messageContext, discharge);
                    break;
                default:
                    messageContext.Complete(new Error(ErrorCode.NotImplemented) { Description = "A coordinator takes declare and discharge only." });
                    break;
            }
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception);
            messageContext.Complete(new Error(ErrorCode.DecodeError) { Description = "The request cannot be decoded." });
        }
    }

    public override void OnFlow(FlowContext flowContext)
    {
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
    }

    public override void OnLinkClosed(ListenerLink link, Error error)
    {
        string[] open;
        lock (_lock)
        {
            open = [.. _open.Keys];
        }

        foreach (var id in open)
        {
            End(id)?.Rollback();
        }
    }

    private void DeclareTransaction(MessageContext context)
    {
        var id = Guid.NewGuid().ToByteArray();
        var key = Convert.ToHexString(id);
        lock (_lock)
        {
            if (_open.Count >= MaxOpen)
            {
                context.Complete(new Error(ErrorCode.ResourceLimitExceeded) { Description = $"A link has at most {MaxOpen} open transactions." });
                return;
            }

            state.AddTransaction(key, new Transaction(session));
            _open.Add(key, time.CreateTimer(_ => End(key)?.Rollback(), null, MaxAge, Timeout.InfiniteTimeSpan));
        }

        context.Link.DisposeMessage(context.Message, new Declared { TxnId = id }, true);
    }

    private async Task DischargeAsync(MessageContext context, Discharge discharge)
    {
        try
        {
            var isDone = End(Convert.ToHexString(discharge.TxnId ?? [])) is { } transaction
                && (discharge.Fail ? transaction.Rollback() : await transaction.CommitAsync(writer));
            if (isDone)
            {
                context.Complete();
            }
            else
            {
                context.Complete(new Error(ErrorCode.TransactionUnknownId) { Description = "The transaction does not exist, or it was rolled back after its time." });
            }
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception);
            context.Complete(new Error(ErrorCode.TransactionRollback) { Description = "The transaction could not be made durable; it was rolled back." });
        }
    }

    private Transaction? End(string key)
    {
        lock (_lock)
        {
            if (_open.Remove(key, out var timer))
            {
                timer.Dispose();
            }
        }

        return state.RemoveTransaction(key);
    }

    [LoggerMessage(24, LogLevel.Warning, "A transaction failed")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
