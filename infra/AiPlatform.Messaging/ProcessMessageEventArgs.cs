namespace AiPlatform.Messaging;

/// <summary>One message for a handler of <see cref="ServiceBusProcessor.ProcessMessageAsync"/>, with the means to settle it.</summary>
public class ProcessMessageEventArgs : EventArgs
{
    private readonly ServiceBusReceiver _receiver;

    /// <summary>Creates the arguments for one message.</summary>
    public ProcessMessageEventArgs(ServiceBusReceivedMessage message, ServiceBusReceiver receiver, CancellationToken cancellationToken)
    {
        Message = message;
        CancellationToken = cancellationToken;
        _receiver = receiver;
    }

    /// <summary>The message lost its lock while its handler ran: another receiver will get it, so the work should end.</summary>
    public event Func<MessageLockLostEventArgs, Task>? MessageLockLostAsync;

    /// <summary>The message.</summary>
    public ServiceBusReceivedMessage Message { get; }

    /// <summary>Signalled when the processor stops.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The queue that is read.</summary>
    public string EntityPath => _receiver.EntityPath;

    /// <summary>The host name of the namespace.</summary>
    public string FullyQualifiedNamespace => _receiver.FullyQualifiedNamespace;

    /// <summary>The processor's name.</summary>
    public string Identifier => _receiver.Identifier;

    internal bool IsSettled { get; private set; }

    /// <summary>Removes the message from the queue.</summary>
    public virtual async Task CompleteMessageAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default)
    {
        await _receiver.CompleteMessageAsync(message, cancellationToken);
        IsSettled = true;
    }

    /// <summary>Makes the message available again.</summary>
    public virtual async Task AbandonMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify = null,
        CancellationToken cancellationToken = default)
    {
        await _receiver.AbandonMessageAsync(message, propertiesToModify, cancellationToken);
        IsSettled = true;
    }

    /// <summary>Moves the message to the dead-letter queue.</summary>
    public virtual async Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        string deadLetterReason,
        string? deadLetterErrorDescription = null,
        CancellationToken cancellationToken = default)
    {
        await _receiver.DeadLetterMessageAsync(message, deadLetterReason, deadLetterErrorDescription, cancellationToken);
        IsSettled = true;
    }

    /// <summary>Moves the message to the dead-letter queue.</summary>
    public virtual async Task DeadLetterMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify = null,
        CancellationToken cancellationToken = default)
    {
        await _receiver.DeadLetterMessageAsync(message, propertiesToModify, cancellationToken);
        IsSettled = true;
    }

    /// <summary>Sets the message aside, to be received by its sequence number.</summary>
    public virtual async Task DeferMessageAsync(
        ServiceBusReceivedMessage message,
        IDictionary<string, object>? propertiesToModify = null,
        CancellationToken cancellationToken = default)
    {
        await _receiver.DeferMessageAsync(message, propertiesToModify, cancellationToken);
        IsSettled = true;
    }

    /// <summary>Moves the end of the lock on by the queue's lock duration.</summary>
    public virtual Task RenewMessageLockAsync(ServiceBusReceivedMessage message, CancellationToken cancellationToken = default)
        => _receiver.RenewMessageLockAsync(message, cancellationToken);

    internal Task OnMessageLockLostAsync(Exception? exception)
        => MessageLockLostAsync?.Invoke(new MessageLockLostEventArgs(Message, exception)) ?? Task.CompletedTask;
}

/// <summary>A message whose lock was lost.</summary>
public sealed class MessageLockLostEventArgs(ServiceBusReceivedMessage message, Exception? exception) : EventArgs
{
    /// <summary>The message.</summary>
    public ServiceBusReceivedMessage Message { get; } = message;

    /// <summary>What the renewal failed with, when it did.</summary>
    public Exception? Exception { get; } = exception;
}
