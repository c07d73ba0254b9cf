using System.Collections.Immutable;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Filters;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What messages are received from: a queue or a subscription, with its dead letters.</summary>
internal sealed class QueueEntity : Entity
{
    private ImmutableArray<SubscriptionRule> _rules;

    internal QueueEntity(EntityDefinition definition, BrokerServices services)
        : base(definition)
    {
        _rules = [.. definition.Rules.Select(rule => new SubscriptionRule(rule))];
        Sessions = definition.Properties.RequiresSession ? new SessionRegistry(this, services) : null;
        Messages = new MessageQueue(this, QueuePart.Main, services);
        DeadLetters = new MessageQueue(this, QueuePart.DeadLetter, services);
        TransferDeadLetters = new MessageQueue(this, QueuePart.TransferDeadLetter, services);
        Parts = [Messages, DeadLetters, TransferDeadLetters];
    }

    /// <summary>A subscription's rules.</summary>
    internal ImmutableArray<SubscriptionRule> Rules => _rules;

    /// <summary>The sessions, when the entity requires them; its messages are then received through them only.</summary>
    internal SessionRegistry? Sessions { get; }

    internal MessageQueue Messages { get; }

    internal MessageQueue DeadLetters { get; }

    /// <summary>Messages that could not be forwarded.</summary>
    internal MessageQueue TransferDeadLetters { get; }

    internal IReadOnlyList<MessageQueue> Parts { get; }

    /// <summary>Whether somebody receives from here now.</summary>
    internal bool IsReceivedFrom => Sessions is { HasHolders: true } || Parts.Any(static part => part.HasConsumers);

    internal MessageQueue Part(QueuePart part) => part switch
    {
        QueuePart.DeadLetter => DeadLetters,
        QueuePart.TransferDeadLetter => TransferDeadLetters,
        _ => Messages,
    };

    /// <summary>Takes durable messages of one part in. Called by the writer in the order of sequence numbers.</summary>
    internal void OnCommitted(QueuePart part, IEnumerable<QueuedMessage> messages)
    {
        if (part == QueuePart.Main && Sessions is { } sessions)
        {
            sessions.OnCommitted(messages);
        }
        else
        {
            Part(part).OnCommitted(messages);
        }
    }

    /// <summary>When the next lock of a message or a session ends; the end of time when there is none.</summary>
    internal DateTime NextExpiry
    {
        get
        {
            var first = Sessions?.NextExpiry ?? DateTime.MaxValue;
            foreach (var part in Parts)
            {
                var next = part.NextExpiry;
                first = next < first ? next : first;
            }

            return first;
        }
    }

    /// <summary>Takes back locks that have ended.</summary>
    internal void ExpireLocks()
    {
        Sessions?.ExpireLocks();
        foreach (var part in Parts)
        {
            part.ExpireLocks();
        }
    }

    /// <summary>Ends all receiving links.</summary>
    internal void Close(string condition, string description)
    {
        Sessions?.Close(condition, description);
        foreach (var part in Parts)
        {
            part.CloseConsumers(condition, description);
        }
    }

    internal override void Update(EntityDefinition definition)
    {
        base.Update(definition);
        _rules = [.. definition.Rules.Select(rule => new SubscriptionRule(rule))];
        foreach (var part in Parts)
        {
            part.Wake();
        }
    }
}
