namespace AiPlatform.Messaging;

public partial class ServiceBusReceiver
{
    /// <summary>Removes a message from the queue; returns when the broker has confirmed it.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessageLockLost"/>: the message will be delivered again.</exception>
    public virtual async Task CompleteMessageAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default)
    {
        RequireLock(message);
        if (await _transactions.EnlistAsync(cancellationToken) is { } transaction)
        {
            await _management.UpdateDispositionAsync([message.LockTokenGuid], "completed", null, null, null, transaction, cancellationToken);
            return;
        }

        await _completions.CompleteAsync(message.LockTokenGuid, cancellationToken);
        _pump.Forget(message, completed: true);
    }

    /// <summary>Makes a message available again at once; its delivery count rises.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessageLockLost"/>: it is available already.</exception>
    public virtual Task AbandonMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify = null,
        CancellationToken cancellationToken = default)
        => SettleAsync(message, "abandoned", propertiesToModify, null, null, cancellationToken);

    /// <summary>Moves a message to the dead-letter queue.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessageLockLost"/>: the message will be delivered again.</exception>
    public virtual Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        string deadLetterReason,
        string? deadLetterErrorDescription = null,
        CancellationToken cancellationToken = default)
        => SettleAsync(message, "suspended", null, deadLetterReason, deadLetterErrorDescription, cancellationToken);

    /// <summary>Moves a message to the dead-letter queue.</summary>
    public virtual Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify = null,
        CancellationToken cancellationToken = default)
        => SettleAsync(message, "suspended", propertiesToModify, null, null, cancellationToken);

    /// <summary>Moves a message to the dead-letter queue.</summary>
    public virtual Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify,
        string deadLetterReason,
        string? deadLetterErrorDescription = null,
        CancellationToken cancellationToken = default)
        => SettleAsync(message, "suspended", propertiesToModify, deadLetterReason, deadLetterErrorDescription, cancellationToken);

    /// <summary>Sets a message aside; <see cref="ReceiveDeferredMessageAsync"/> gets it by its sequence number.</summary>
    public virtual Task DeferMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify = null,
        CancellationToken cancellationToken = default)
        => SettleAsync(message, "defered", propertiesToModify, null, null, cancellationToken);

    /// <summary>Moves the end of a message's lock on by the queue's lock duration.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessageLockLost"/>: the lock has ended.</exception>
    public virtual async Task RenewMessageLockAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default)
    {
        RequireLock(message);
        message.LockedUntil = await _management.RenewLockAsync(message.LockTokenGuid, cancellationToken);
    }

    internal async Task ReturnLeftoversAsync(CancellationToken cancellationToken)
    {
        foreach (var message in await _pump.StopAsync())
        {
            if (ReceiveMode != ServiceBusReceiveMode.PeekLock || _pump.TryRelease(message))
            {
                continue;
            }

            try
            {
                await AbandonMessageAsync(message, null, cancellationToken);
            }
            catch (ServiceBusException)
            {
                // The lock ends by itself.
                return;
            }
        }
    }

    private async Task SettleAsync(
        ServiceBusReceivedMessage message,
        string status,
        IDictionary<string, object>? propertiesToModify,
        string? reason,
        string? description,
        CancellationToken cancellationToken)
    {
        RequireLock(message);
        var transaction = await _transactions.EnlistAsync(cancellationToken);
        await _management.UpdateDispositionAsync([message.LockTokenGuid], status, propertiesToModify, reason, description, transaction, cancellationToken);
        if (transaction is null)
        {
            _pump.Forget(message, completed: false);
        }
    }

    private void RequireLock(ServiceBusReceivedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (ReceiveMode != ServiceBusReceiveMode.PeekLock || message.LockTokenGuid == Guid.Empty)
        {
            throw new InvalidOperationException("Only messages received in peek-lock mode can be settled.");
        }
    }
}
