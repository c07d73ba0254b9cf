using Amqp;
using Amqp.Framing;

namespace AiPlatform.Messaging.Transport;

/// <summary>Opens links and waits for the peer's answer: AMQP refuses a link by an attach without terminus, then a detach with the error.</summary>
internal static class LinkOpening
{
    internal static Task<SenderLink> OpenSenderAsync(Session session, string name, Attach attach, Action<Attach>? onAttached, CancellationToken cancellationToken)
        => OpenAsync(
            callback => new SenderLink(session, name, attach, callback),
            answer => answer.Target is not null,
            onAttached,
            cancellationToken);

    internal static Task<ReceiverLink> OpenReceiverAsync(
        Session session, string name, Attach attach, CancellationToken cancellationToken, Action<Attach>? onAttached = null)
        => OpenAsync(
            callback => new ReceiverLink(session, name, attach, callback),
            answer => answer.Source is not null,
            onAttached,
            cancellationToken);

    /// <summary>Closes without waiting for the peer longer than a moment.</summary>
    internal static async Task CloseAsync(AmqpObject target)
    {
        try
        {
            await target.CloseAsync(TimeSpan.FromSeconds(5), null);
        }
        catch (Exception exception) when (exception is AmqpException or TimeoutException or ObjectDisposedException or InvalidOperationException)
        {
            // The peer went first, or does not answer: there is nothing left to close.
        }
    }

    private static async Task<T> OpenAsync<T>(
        Func<OnAttached, T> create,
        Func<Attach, bool> isAccepted,
        Action<Attach>? onAttached,
        CancellationToken cancellationToken)
        where T : Link
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var link = create((_, answer) =>
        {
            if (isAccepted(answer))
            {
                onAttached?.Invoke(answer);
                opened.TrySetResult();
            }
        });
        link.AddClosedCallback((_, error) => opened.TrySetException(new AmqpException(error ?? new Error(ErrorCode.DetachForced))));
        try
        {
            await opened.Task.WaitAsync(cancellationToken);
            return link;
        }
        catch
        {
            _ = CloseAsync(link);
            throw;
        }
    }
}
