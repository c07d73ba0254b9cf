namespace AiPlatform.Messaging.Administration;

/// <summary>What queues and subscriptions have in common.</summary>
public abstract class ReceivableProperties : EntityProperties
{
    /// <summary>How long a receiver holds a message or session before it must renew the lock.</summary>
    public TimeSpan LockDuration { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How many times a message is delivered before it is dead-lettered.</summary>
    public int MaxDeliveryCount { get; set; } = 10;

    /// <summary>Whether messages belong to sessions; cannot be changed later.</summary>
    public bool RequiresSession { get; set; }

    /// <summary>Whether messages whose time to live is over become dead letters.</summary>
    public bool DeadLetteringOnMessageExpiration { get; set; }

    /// <summary>The queue or topic that gets the messages instead.</summary>
    public string? ForwardTo { get; set; }

    /// <summary>The queue or topic that gets the dead letters instead.</summary>
    public string? ForwardDeadLetteredMessagesTo { get; set; }

    internal override void Read(AtomElement description)
    {
        base.Read(description);
        LockDuration = description.Duration(nameof(LockDuration));
        MaxDeliveryCount = (int)description.Number(nameof(MaxDeliveryCount));
        RequiresSession = description.Flag(nameof(RequiresSession));
        DeadLetteringOnMessageExpiration = description.Flag(nameof(DeadLetteringOnMessageExpiration));
        ForwardTo = description.Text(nameof(ForwardTo));
        ForwardDeadLetteredMessagesTo = description.Text(nameof(ForwardDeadLetteredMessagesTo));
    }
}
