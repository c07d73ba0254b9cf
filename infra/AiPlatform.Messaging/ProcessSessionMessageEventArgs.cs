namespace AiPlatform.Messaging;

/// <summary>One message for a handler of <see cref="ServiceBusSessionProcessor.ProcessMessageAsync"/>, with the means to settle it and the session's state.</summary>
public class ProcessSessionMessageEventArgs(ServiceBusReceivedMessage message, ServiceBusSessionReceiver receiver, CancellationToken cancellationToken)
    : ProcessMessageEventArgs(message, receiver, cancellationToken)
{
    /// <summary>The session.</summary>
    public string SessionId => receiver.SessionId;

    /// <summary>When the session's lock ends, unless it is renewed.</summary>
    public DateTimeOffset SessionLockedUntil => receiver.SessionLockedUntil;

    internal bool IsReleased { get; private set; }

    /// <summary>The session's state; null when it has none.</summary>
    public virtual Task<BinaryData?> GetSessionStateAsync(CancellationToken cancellationToken = default) => receiver.GetSessionStateAsync(cancellationToken);

    /// <summary>Sets the session's state; null removes it.</summary>
    public virtual Task SetSessionStateAsync(BinaryData? sessionState, CancellationToken cancellationToken = default)
        => receiver.SetSessionStateAsync(sessionState, cancellationToken);

    /// <summary>Moves the end of the session's lock on.</summary>
    public virtual Task RenewSessionLockAsync(CancellationToken cancellationToken = default) => receiver.RenewSessionLockAsync(cancellationToken);

    /// <summary>Gives the session back when the handlers that run have ended, although it may have more messages.</summary>
    public virtual void ReleaseSession() => IsReleased = true;
}
