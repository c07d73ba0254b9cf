using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A link on which a client receives.</summary>
internal sealed partial class ReceiverEndpoint : LinkEndpoint
{
    private readonly ListenerLink _link;
    private readonly ConnectionState _state;
    private readonly MessageQueue _queue;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Consumer _consumer;
    private volatile bool _isClosed;

    internal ReceiverEndpoint(ListenerLink link, ConnectionState state, MessageQueue queue, bool deletes, TimeProvider time, ILogger logger)
    {
        _link = link;
        _state = state;
        _queue = queue;
        _time = time;
        _logger = logger;
        _consumer = new Consumer(this, deletes);

        // Told before the library hands the link's open deliveries back as released: those locks run on.
        link.Closed += (_, _) => Close();
        if (state.Transport is { } transport)
        {
            transport.Sent += OnSent;
        }
    }

    /// <summary>The link as the queue sees it.</summary>
    internal MessageConsumer AsConsumer => _consumer;

    public override void OnFlow(FlowContext flowContext)
    {
        if (!(_state.RightEnds(_queue.Name) > _time.GetUtcNow()))
        {
            _link.Close(TimeSpan.Zero, new Error(ErrorCode.UnauthorizedAccess) { Description = "The token has expired." });
            return;
        }

        if (_state.Transport?.CurrentFlow is { } flow)
        {
            _queue.OnFlow(_consumer, flow.DeliveryCount + flow.LinkCredit, flow.Drain);
        }
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
        if (!_isClosed && dispositionContext.Message is OutgoingMessage message)
        {
            _ = SettleAsync(message, dispositionContext.DeliveryState, dispositionContext.Settled);
        }
    }

    public override void OnLinkClosed(ListenerLink link, Error error) => Close();

    private void Close()
    {
        _isClosed = true;
        if (_state.Transport is { } transport)
        {
            transport.Sent -= OnSent;
        }

        _queue.Detach(_consumer);
    }

    private void OnSent()
    {
        if (_consumer.WasFull && _consumer.IsWritable)
        {
            _consumer.WasFull = false;
            _queue.SchedulePump();
        }
    }

    private async Task SettleAsync(OutgoingMessage message, DeliveryState outcome, bool isSettled)
    {
        try
        {
            var isHeld = await ApplyAsync(message.LockToken, outcome);
            if (!isSettled && !_isClosed)
            {
                _link.DisposeMessage(
                    message,
                    isHeld ? new Accepted() : new Rejected { Error = new Error(AmqpNames.MessageLockLost) { Description = "The lock is invalid: it expired, or the message was settled already." } },
                    settled: true);
            }
        }
        catch (Exception exception)
        {
            LogSettleFailed(_logger, exception, _queue.Name);
        }
    }

    private Task<bool> ApplyAsync(Guid token, DeliveryState outcome) => outcome switch
    {
        Accepted => _queue.CompleteAsync([token]),
        Released => Task.FromResult(_queue.Release(token)),
        Modified { UndeliverableHere: true } modified => _queue.DeferAsync([token], Dispositions.Properties(modified.MessageAnnotations)),
        Modified modified => _queue.AbandonAsync([token], Dispositions.Properties(modified.MessageAnnotations)),
        Rejected rejected => DeadLetterAsync(token, rejected.Error),
        _ => Task.FromResult(false),
    };

    private Task<bool> DeadLetterAsync(Guid token, Error? error)
    {
        var (reason, description, properties) = Dispositions.DeadLetter(error);
        return _queue.DeadLetterAsync([token], reason, description, properties);
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
                if (endpoint._isClosed)
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
            if (endpoint._isClosed)
            {
                return false;
            }

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
