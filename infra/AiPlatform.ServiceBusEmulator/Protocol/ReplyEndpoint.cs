using System.Diagnostics.CodeAnalysis;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The link on which a client gets answers: no more at a time than the client gave credit for.</summary>
internal sealed class ReplyEndpoint(ConnectionState state, ListenerLink replyLink) : LinkEndpoint, IFlowReceiver
{
    // More than the requests that a connection may have open on one link.
    private const int MaxWaiting = 1_000;

    private readonly Lock _lock = new();
    private readonly Queue<Message> _waiting = new();
    private uint _sent;
    private uint _limit;
    private bool _isSending;

    /// <summary>Sends an answer, or keeps it until the client takes one more.</summary>
    internal void Send(Message answer)
    {
        bool isKept;
        lock (_lock)
        {
            if (replyLink.IsClosed)
            {
                return;
            }

            isKept = _waiting.Count < MaxWaiting;
            if (isKept)
            {
                _waiting.Enqueue(answer);
            }
        }

        if (isKept)
        {
            Flush();
        }
        else
        {
            replyLink.Close(TimeSpan.Zero, new Error(ErrorCode.ResourceLimitExceeded) { Description = "The client does not take the answers to its requests." });
        }
    }

    /// <summary>Told by the transport instead: see <see cref="GuardedTransport.Follow"/>.</summary>
    public override void OnFlow(FlowContext flowContext)
    {
    }

    void IFlowReceiver.Stop() => state.RemoveReplies(this);

    void IFlowReceiver.OnFlow(Flow flow)
    {
        lock (_lock)
        {
            _limit = flow.DeliveryCount + flow.LinkCredit;
        }

        Flush();
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
        if (!dispositionContext.Settled)
        {
            dispositionContext.Complete();
        }
    }

    public override void OnLinkClosed(ListenerLink link, Error error) => state.RemoveReplies(this);

    // One thread sends at a time, and holds no lock of ours: the library sends, and calls OnFlow, under locks of its own.
    private void Flush()
    {
        while (TryTake(out var answer))
        {
            try
            {
                replyLink.SendMessage(answer);
            }
            finally
            {
                lock (_lock)
                {
                    _isSending = false;
                }
            }
        }
    }

    // Delivery counts wrap: their distance is what counts.
    private bool TryTake([NotNullWhen(true)] out Message? answer)
    {
        lock (_lock)
        {
            answer = null;
            if (_isSending || (int)(_limit - _sent) <= 0 || !_waiting.TryDequeue(out answer))
            {
                return false;
            }

            _sent++;
            return _isSending = true;
        }
    }
}
