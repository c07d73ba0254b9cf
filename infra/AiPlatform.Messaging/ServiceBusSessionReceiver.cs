using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

/// <summary>
/// Receives the messages of one session, which nobody else can receive while its lock is held. When the lock is lost, or the link
/// with it, every operation fails with <see cref="ServiceBusFailureReason.SessionLockLost"/>: accept a session anew.
/// </summary>
public class ServiceBusSessionReceiver : ServiceBusReceiver
{
    private readonly ReceiverSession _session;

    internal ServiceBusSessionReceiver(
        AmqpConnectionScope scope,
        string entityPath,
        string fullyQualifiedNamespace,
        ServiceBusReceiverOptions options,
        RetryRunner retry,
        TransactionCoordinator transactions,
        ReceiverSession session)
        : base(scope, entityPath, fullyQualifiedNamespace, options, retry, transactions, session)
    {
        _session = session;
    }

    /// <summary>The session.</summary>
    public virtual string SessionId => _session.Id ?? string.Empty;

    /// <summary>When the session's lock ends, unless it is renewed.</summary>
    public virtual DateTimeOffset SessionLockedUntil => _session.LockedUntil;

    /// <summary>Moves the end of the session's lock on by the entity's lock duration.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.SessionLockLost"/>: the lock has ended.</exception>
    public virtual async Task RenewSessionLockAsync(CancellationToken cancellationToken = default)
        => _session.LockedUntil = await Management.RenewSessionLockAsync(cancellationToken);

    /// <summary>The session's state; null when it has none.</summary>
    public virtual Task<BinaryData?> GetSessionStateAsync(CancellationToken cancellationToken = default) => Management.GetSessionStateAsync(cancellationToken);

    /// <summary>Sets the session's state; null removes it. It stays when the session is closed.</summary>
    public virtual Task SetSessionStateAsync(BinaryData? sessionState, CancellationToken cancellationToken = default)
        => Management.SetSessionStateAsync(sessionState, cancellationToken);
}
