using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// A link whose answer takes time, as that of a receiver that waits for a session. It is answered once. A client that waits no longer
/// detaches before the answer, which AMQP allows; the library takes a detach of a link that is not attached for an error and closes
/// the whole connection. So the answer is given right before the library sees the detach.
/// </summary>
internal sealed class PendingAttach(AttachContext context)
{
    private readonly Lock _lock = new();
    private bool _isAnswered;

    /// <summary>Answers with <paramref name="complete"/>, unless the client has withdrawn.</summary>
    internal bool TryComplete(Action complete)
    {
        lock (_lock)
        {
            if (_isAnswered || context.Link.IsClosed)
            {
                return false;
            }

            _isAnswered = true;
            complete();
            return true;
        }
    }

    /// <summary>The client detaches.</summary>
    internal void Withdraw() => TryComplete(() => context.Complete(new Error(ErrorCode.DetachForced) { Description = "The client waits no longer." }));
}
