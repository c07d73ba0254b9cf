using AiPlatform.ServiceBusEmulator.Filters;

namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>A queue, topic or subscription.</summary>
internal abstract class Entity
{
    private long _accessedTicks;
    private long _bytes;

    protected Entity(EntityDefinition definition)
    {
        Definition = definition;
        Name = definition.Name.ToLowerInvariant();
        Touch(definition.CreatedAt);
    }

    internal int Id => Definition.Id;

    /// <summary>The address, in lower case.</summary>
    internal string Name { get; }

    /// <summary>The queue or topic that it is, or belongs to.</summary>
    internal string Root => EntityNames.Split(Name)?.Topic ?? Name;

    /// <summary>What it is now; replaced as a whole by an update.</summary>
    internal EntityDefinition Definition { get; private protected set; }

    internal EntityProperties Properties => Definition.Properties;

    /// <summary>Whether it was deleted while somebody still held it.</summary>
    internal bool IsDeleted { get; set; }

    /// <summary>When it was last sent to or received from.</summary>
    internal DateTime AccessedAt => new(Interlocked.Read(ref _accessedTicks), DateTimeKind.Utc);

    /// <summary>Bytes of the messages in it, dead letters and scheduled ones too.</summary>
    internal virtual long SizeBytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes of messages that may be in it.</summary>
    internal long MaxSizeBytes => Properties.MaxSizeInMegabytes * 1024 * 1024;

    /// <summary>Messages came, or went.</summary>
    internal void AddBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>The largest message, in bytes: the entity's own limit, within the broker's.</summary>
    internal int MaxMessageSize(int brokerLimit) => (int)Math.Min(brokerLimit, (Properties.MaxMessageSizeInKilobytes ?? int.MaxValue) * 1024);

    internal void Touch(DateTime now) => Interlocked.Exchange(ref _accessedTicks, now.Ticks);

    internal virtual void Update(EntityDefinition definition) => Definition = definition;
}

/// <summary>An entity as it is given and stored.</summary>
internal sealed record EntityDefinition
{
    public int Id { get; init; }

    /// <summary>The address as it was given: <c>queue</c>, <c>topic</c> or <c>topic/Subscriptions/subscription</c>.</summary>
    public required string Name { get; init; }

    public required EntityKind Kind { get; init; }

    public EntityProperties Properties { get; init; } = new();

    /// <summary>A subscription's rules.</summary>
    public IReadOnlyList<RuleDefinition> Rules { get; init; } = [];

    /// <summary>Whether it is in the configuration, which then decides its settings at each start.</summary>
    public bool IsConfigured { get; init; }

    public DateTime CreatedAt { get; init; }

    public DateTime UpdatedAt { get; init; }
}
