using System.Collections.Immutable;
using AiPlatform.ServiceBusEmulator.Queues;

namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>A topic: keeps only scheduled messages; everything else goes to its subscriptions.</summary>
internal sealed class TopicEntity(EntityDefinition definition) : Entity(definition)
{
    private ImmutableArray<QueueEntity> _subscriptions = [];

    internal ImmutableArray<QueueEntity> Subscriptions => _subscriptions;

    /// <summary>A topic's limit is about what its subscriptions keep.</summary>
    internal override long SizeBytes
    {
        get
        {
            var result = base.SizeBytes;
            foreach (var subscription in Subscriptions)
            {
                result += subscription.SizeBytes;
            }

            return result;
        }
    }

    internal void Add(QueueEntity subscription) => ImmutableInterlocked.Update(ref _subscriptions, list => list.Add(subscription));

    internal void Remove(QueueEntity subscription) => ImmutableInterlocked.Update(ref _subscriptions, list => list.Remove(subscription));
}
