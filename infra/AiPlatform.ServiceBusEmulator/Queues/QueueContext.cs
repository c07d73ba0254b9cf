using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What the parts of one queue's memory share: whose they are, and the one lock that guards them.</summary>
internal sealed class QueueContext(QueueEntity entity, QueuePart part, BrokerServices services, SessionHold? session)
{
    /// <summary>Guards window, locks and consumers together: a message is always in exactly one of them.</summary>
    internal Lock Gate { get; } = new();

    internal QueueEntity Entity => entity;

    internal QueuePart Part => part;

    /// <summary>The session whose messages these are; null where messages belong to none.</summary>
    internal SessionHold? Session => session;

    internal BrokerServices Services => services;

    /// <summary>The queue's address, in lower case.</summary>
    internal string Name { get; } = part switch
    {
        QueuePart.DeadLetter => entity.Name + EntityNames.DeadLetterSuffix,
        QueuePart.TransferDeadLetter => entity.Name + EntityNames.TransferDeadLetterSuffix,
        _ => entity.Name,
    };

    internal DateTime Now => services.Time.GetUtcNow().UtcDateTime;
}
