namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>A queue: its messages and its dead letters.</summary>
internal sealed class QueueEntity
{
    internal QueueEntity(int id, QueueOptions options, BrokerServices services)
    {
        Id = id;
        Options = options;
        Name = options.Name.ToLowerInvariant();
        Messages = new MessageQueue(this, QueuePart.Main, services);
        DeadLetters = new MessageQueue(this, QueuePart.DeadLetter, services);
    }

    internal int Id { get; }

    internal string Name { get; }

    internal QueueOptions Options { get; }

    internal MessageQueue Messages { get; }

    internal MessageQueue DeadLetters { get; }
}
