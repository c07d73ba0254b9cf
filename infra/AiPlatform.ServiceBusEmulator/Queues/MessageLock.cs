namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>A message in the hands of a receiver. Guarded by its queue's lock.</summary>
internal sealed class MessageLock
{
    internal MessageLock(Guid token, QueuedMessage message, DateTime until)
    {
        Token = token;
        Message = message;
        Until = until;
        Place = new LinkedListNode<MessageLock>(this);
    }

    internal Guid Token { get; }

    internal QueuedMessage Message { get; }

    internal DateTime Until { get; set; }

    /// <summary>The place in the order of expiry.</summary>
    internal LinkedListNode<MessageLock> Place { get; }

    /// <summary>Whether an outcome is being written: the lock can then neither expire nor be used again.</summary>
    internal bool IsSettling { get; set; }
}
