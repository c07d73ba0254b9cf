namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>One delivery of a message to a receiver.</summary>
/// <param name="Message">The message.</param>
/// <param name="Payload">Its bytes, held only for the time of sending when they are large.</param>
/// <param name="LockToken">Settles it; empty when the message is deleted on receive.</param>
/// <param name="LockedUntil">When the lock ends.</param>
internal readonly record struct Delivery(QueuedMessage Message, byte[] Payload, Guid LockToken, DateTime LockedUntil);

/// <summary>A receiving link as its queue sees it. Credit and draining are guarded by the queue's lock.</summary>
internal abstract class MessageConsumer
{
    /// <summary>How many messages the receiver still wants.</summary>
    internal int Credit { get; set; }

    /// <summary>How many messages the link has carried, as the protocol counts them.</summary>
    internal uint DeliveryCount { get; set; }

    /// <summary>Whether the receiver wants its credit used up or taken back at once.</summary>
    internal bool IsDraining { get; set; }

    /// <summary>Messages chosen for the receiver that are being deleted before they are sent; a drain waits for them.</summary>
    internal int PendingDeletions { get; set; }

    /// <summary>Whether messages are deleted when they are sent.</summary>
    internal abstract bool DeletesOnReceive { get; }

    /// <summary>Whether the receiver reads what it was sent; one that does not is passed over, so that nothing piles up for it.</summary>
    internal abstract bool IsWritable { get; }

    /// <summary>Sends a message; false when the link is gone.</summary>
    internal abstract bool Deliver(in Delivery delivery);

    /// <summary>Ends the link with an error.</summary>
    internal abstract void Close(string condition, string description);

    /// <summary>Tells the receiver that its credit is used up.</summary>
    internal abstract void FinishDrain();
}
