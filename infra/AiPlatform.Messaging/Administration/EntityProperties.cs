namespace AiPlatform.Messaging.Administration;

/// <summary>What queues, topics and subscriptions have in common.</summary>
public abstract class EntityProperties
{
    /// <summary>The longest life of a message; <see cref="TimeSpan.MaxValue"/> for no limit.</summary>
    public TimeSpan DefaultMessageTimeToLive { get; set; } = TimeSpan.MaxValue;

    /// <summary>An entity that nobody used for so long is deleted; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public TimeSpan AutoDeleteOnIdle { get; set; } = TimeSpan.MaxValue;

    /// <summary>What may be done with the entity.</summary>
    public EntityStatus Status { get; set; }

    /// <summary>Whatever its users want to note about it.</summary>
    public string? UserMetadata { get; set; }

    /// <summary>Whether the service may write messages in batches.</summary>
    public bool EnableBatchedOperations { get; set; } = true;

    internal abstract string ElementName { get; }

    internal abstract string Path { get; }

    /// <summary>The settings in the order in which the service wants them.</summary>
    internal abstract IEnumerable<(string Name, object? Value)> Write();

    internal virtual void Read(AtomElement description)
    {
        DefaultMessageTimeToLive = description.Duration(nameof(DefaultMessageTimeToLive));
        AutoDeleteOnIdle = description.Duration(nameof(AutoDeleteOnIdle));
        Status = Enum.TryParse<EntityStatus>(description.Text(nameof(Status)), out var status) ? status : EntityStatus.Active;
        UserMetadata = description.Text(nameof(UserMetadata));
        EnableBatchedOperations = description.Flag(nameof(EnableBatchedOperations));
    }
}
