using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The link on which a client gets answers: no more at a time than the client gave credit for.</summary>
internal sealed class ReplyEndpoint(ConnectionState state, ListenerLink replyLink) : LinkEndpoint
{
    // More than the requests that a connection may have open on one link.
    private const int MaxWaiting = 1_000;

    private readonly Lock _lock = new();
    private readonly Queue<Message> _waiting = new();
    private uint _sent;
    private uint _limit;

    /// <summary>Sends an answer, or keeps it until the client takes one more.</summary>
    internal void Send(Message answer)
    {
        lock (_lock)
        {
            if (replyLink.IsClosed)
            {
                return;
            }

            if (_waiting.Count < MaxWaiting)
            {
                _waiting.Enqueue(answer);
                Flush();
                return;
            }
        }

        replyLink.Close(TimeSpan.Zero, new Error(ErrorCode.ResourceLimitExceeded) { Description = "The client does not take the answers to its requests." });
    }

    public override void OnFlow(FlowContext flowContext)
    {
        if (state.Transport?.CurrentFlow is not { } flow)
        {
            return;
        }

        lock (_lock)
        {
            _limit = flow.DeliveryCount + flow.LinkCredit;
            Flush();
        }
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
        if (!dispositionContext.Settled)
        {
            dispositionContext.Complete();
        }
    }

    public override void OnLinkClosed(ListenerLink link, Error error) => state.RemoveReplies(this);

    // Delivery counts wrap: their distance is what counts.
    private void Flush()
    {
        while ((int)(_limit - _sent) > 0 && _waiting.TryDequeue(out var answer))
        {
            _sent++;
            replyLink.SendMessage(answer);
        }
    }
}
