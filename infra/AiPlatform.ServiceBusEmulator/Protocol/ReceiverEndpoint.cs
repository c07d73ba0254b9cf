using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Transactions;
using Outcome = AiPlatform.ServiceBusEmulator.Queues.Outcome;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A link on which a client receives.</summary>
internal sealed partial class ReceiverEndpoint : LinkEndpoint, IFlowReceiver
{
    private readonly ListenerLink _link;
    private readonly ConnectionState _state;
    private readonly MessageQueue _queue;
    private readonly SessionHold? _hold;
    private readonly IdleLink? _idle;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Consumer _consumer;
    private int _isClosed;

    internal ReceiverEndpoint(ListenerLink link, ConnectionState state, MessageQueue queue, SessionHold? hold, bool deletes, IdleLink? idle, TimeProvider time, ILogger logger)
    {
        _link = link;
        _state = state;
        _queue = queue;
        _hold = hold;
        _idle = idle;
        _time = time;
        _logger = logger;
        _consumer = new Consumer(this, deletes);

        // Told before the library hands the link's open deliveries back as released: those locks run on.
        link.Closed += (_, _) => Close();
        if (state.Transport is { } transport)
        {
            transport.Sent += OnSent;
        }

        queue.Attach(_consumer);
    }

    private bool IsClosed => Volatile.Read(ref _isClosed) == 1;

    /// <summary>Told by the transport instead: see <see cref="GuardedTransport.Follow"/>.</summary>
    public override void OnFlow(FlowContext flowContext)
    {
    }

    void IFlowReceiver.Stop() => Close();

    void IFlowReceiver.OnFlow(Flow flow)
    {
        _idle?.Touch();
        if (!(_state.RightEnds(_queue.Name, AccessRights.Listen) > _time.GetUtcNow()))
        {
            _link.Close(TimeSpan.Zero, new Error(ErrorCode.UnauthorizedAccess) { Description = "The token has expired." });
            return;
        }

        _queue.OnFlow(_consumer, flow.DeliveryCount + flow.LinkCredit, flow.Drain);
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
        _idle?.Touch();
        if (!IsClosed && dispositionContext.Message is OutgoingMessage message)
        {
            _ = SettleAsync(message, dispositionContext.DeliveryState, dispositionContext.Settled);
        }
    }

    public override void OnLinkClosed(ListenerLink link, Error error) => Close();

    private void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 1)
        {
            return;
        }

        if (_state.Transport is { } transport)
        {
            transport.Sent -= OnSent;
        }

        _queue.Detach(_consumer);
        if (_hold is not null)
        {
            _queue.Entity.Sessions?.Release(_hold);
        }
    }

    private void OnSent()
    {
        if (_consumer.WasFull && _consumer.IsWritable)
        {
            _consumer.WasFull = false;
            _queue.Wake();
        }
    }

    private async Task SettleAsync(OutgoingMessage message, DeliveryState outcome, bool isSettled)
    {
        try
        {
            var answer = outcome is TransactionalState transactional
                ? await EnlistAsync(message.LockToken, transactional)
                : await ApplyAsync(message.LockToken, outcome) ? new Accepted() : LockLost();
            if (!isSettled && !IsClosed)
            {
                _link.DisposeMessage(message, answer, settled: true);
            }
        }
        catch (Exception exception)
        {
            LogSettleFailed(_logger, exception, _queue.Name);
        }
    }

    private Rejected LockLost() => new()
    {
        Error = _hold is null
            ? new Error(AmqpNames.MessageLockLost) { Description = "The lock is invalid: it expired, or the message was settled already." }
            : new Error(_hold.IsLost ? AmqpNames.SessionLockLost : AmqpNames.MessageLockLost) { Description = "The session's lock is lost, or the message was settled already." },
    };

    private async Task<bool> ApplyAsync(Guid token, DeliveryState state)
        => state is Released ? _queue.Release(token) : Dispositions.Outcome(state) is { } outcome && await _queue.SettleAsync([token], outcome);

    private async Task<DeliveryState> EnlistAsync(Guid token, TransactionalState transactional)
    {
        if (_state.FindTransaction(transactional.TxnId) is not { } transaction || Dispositions.Outcome(transactional.Outcome) is not { } outcome)
        {
            return new Rejected { Error = new Error(ErrorCode.TransactionUnknownId) { Description = "The transaction does not exist or has ended." } };
        }

        try
        {
            transaction.Enter(_link.Session, _queue.Entity.Root);
            return await _queue.BeginAsync([token], outcome) is { } settlement && transaction.TryAdd(settlement)
                ? new TransactionalState { TxnId = transactional.TxnId, Outcome = new Accepted() }
                : LockLost();
        }
        catch (TransactionScopeException exception)
        {
            return new Rejected { Error = new Error(ErrorCode.NotAllowed) { Description = exception.Message } };
        }
        catch (TransactionLimitException exception)
        {
            return new Rejected { Error = new Error(ErrorCode.ResourceLimitExceeded) { Description = exception.Message } };
        }
    }

    [LoggerMessage(22, LogLevel.Warning, "An outcome for {Queue} could not be applied")]
    private static partial void LogSettleFailed(ILogger logger, Exception exception, string queue);

    private sealed class Consumer(ReceiverEndpoint endpoint, bool deletes) : MessageConsumer
    {
        private const long MaxWaitingBytes = 8 * 1024 * 1024;

        internal volatile bool WasFull;

        internal override bool DeletesOnReceive => deletes;

        internal override bool IsWritable
        {
            get
            {
                if (endpoint.IsClosed)
                {
                    return false;
                }

                var isFull = endpoint._state.Transport?.Waiting > MaxWaitingBytes;
                WasFull |= isFull;
                return !isFull;
            }
        }

        internal override bool Deliver(in Delivery delivery)
        {
            if (endpoint.IsClosed)
            {
                return false;
            }

            endpoint._idle?.Touch();
            var buffer = MessageCodec.Write(delivery, endpoint._queue.Entity.Name);
            endpoint._state.Transport?.AddWaiting(buffer.Length);
            try
            {
                endpoint._link.SendMessage(new OutgoingMessage(delivery.LockToken), buffer);
                return true;
            }
            catch (Exception exception) when (exception is AmqpException or InvalidOperationException or ObjectDisposedException)
            {
                return false;
            }
        }

        internal override void Close(string condition, string description)
        {
            try
            {
                endpoint._link.Close(TimeSpan.Zero, new Error(condition) { Description = description });
            }
            catch (Exception exception) when (exception is AmqpException or InvalidOperationException or ObjectDisposedException)
            {
                LogSettleFailed(endpoint._logger, exception, endpoint._queue.Name);
            }
        }

        internal override void FinishDrain()
        {
            try
            {
                // Carries the drain flag, which the SDKs wait for.
                endpoint._link.SetCredit(0, drain: true, autoRestore: false);
            }
            catch (Exception exception) when (exception is AmqpException or InvalidOperationException or ObjectDisposedException)
            {
                LogSettleFailed(endpoint._logger, exception, endpoint._queue.Name);
            }
        }
    }
}
