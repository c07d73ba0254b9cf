namespace AiPlatform.Messaging;

/// <summary>A session that begins or ends to be processed, with its state.</summary>
public class ProcessSessionEventArgs(ServiceBusSessionReceiver receiver, CancellationToken cancellationToken) : EventArgs
{
    /// <summary>The session.</summary>
    public string SessionId => receiver.SessionId;

    /// <summary>When the session's lock ends, unless it is renewed.</summary>
    public DateTimeOffset SessionLockedUntil => receiver.SessionLockedUntil;

    /// <summary>Signalled when the processor stops.</summary>
    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>The session's state; null when it has none.</summary>
    public virtual Task<BinaryData?> GetSessionStateAsync(CancellationToken cancellationToken = default) => receiver.GetSessionStateAsync(cancellationToken);

    /// <summary>Sets the session's state; null removes it.</summary>
    public virtual Task SetSessionStateAsync(BinaryData? sessionState, CancellationToken cancellationToken = default)
        => receiver.SetSessionStateAsync(sessionState, cancellationToken);
}
