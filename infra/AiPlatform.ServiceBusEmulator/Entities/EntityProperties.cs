namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>
/// The settings of a queue, topic or subscription, with the defaults of the service. Names are those of the administration
/// protocol; what does not concern a kind of entity is ignored by it.
/// </summary>
internal sealed record EntityProperties
{
    internal const int MaxAuthorizationRules = 12;

    internal static readonly TimeSpan MaxLockDuration = TimeSpan.FromMinutes(5);
    internal static readonly TimeSpan MinDuplicateWindow = TimeSpan.FromSeconds(1);
    internal static readonly TimeSpan MaxDuplicateWindow = TimeSpan.FromDays(7);

    public TimeSpan LockDuration { get; init; } = TimeSpan.FromMinutes(1);

    public int MaxDeliveryCount { get; init; } = 10;

    public bool RequiresSession { get; init; }

    public bool RequiresDuplicateDetection { get; init; }

    public TimeSpan DuplicateDetectionHistoryTimeWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest life of a message; <see cref="TimeSpan.MaxValue"/> for no limit.</summary>
    public TimeSpan DefaultMessageTimeToLive { get; init; } = TimeSpan.MaxValue;

    public bool DeadLetteringOnMessageExpiration { get; init; }

    public bool DeadLetteringOnFilterEvaluationExceptions { get; init; } = true;

    public string? ForwardTo { get; init; }

    public string? ForwardDeadLetteredMessagesTo { get; init; }

    public EntityStatus Status { get; init; }

    public string? UserMetadata { get; init; }

    /// <summary>An entity that nobody used for so long is deleted; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public TimeSpan AutoDeleteOnIdle { get; init; } = TimeSpan.MaxValue;

    public long MaxSizeInMegabytes { get; init; } = 1024;

    public long? MaxMessageSizeInKilobytes { get; init; }

    public bool EnableBatchedOperations { get; init; } = true;

    public bool EnablePartitioning { get; init; }

    public bool EnableExpress { get; init; }

    public bool SupportOrdering { get; init; } = true;

    /// <summary>Who may use a queue or topic beside those who hold the namespace's key.</summary>
    public IReadOnlyList<AuthorizationRule> AuthorizationRules { get; init; } = [];

    /// <summary>Whether messages may be sent.</summary>
    internal bool CanSend => Status is EntityStatus.Active or EntityStatus.ReceiveDisabled;

    /// <summary>Whether messages may be received.</summary>
    internal bool CanReceive => Status is EntityStatus.Active or EntityStatus.SendDisabled;

    /// <summary>Why these settings cannot be; null when they can.</summary>
    internal string? Problem() => this switch
    {
        _ when LockDuration <= TimeSpan.Zero || LockDuration > MaxLockDuration => "LockDuration must be positive and at most 5 minutes.",
        { MaxDeliveryCount: < 1 or > 2000 } => "MaxDeliveryCount must be between 1 and 2000.",
        _ when DefaultMessageTimeToLive < TimeSpan.FromSeconds(1) => "DefaultMessageTimeToLive must be at least one second.",
        _ when DuplicateDetectionHistoryTimeWindow < MinDuplicateWindow || DuplicateDetectionHistoryTimeWindow > MaxDuplicateWindow
            => "DuplicateDetectionHistoryTimeWindow must be between one second and 7 days.",
        _ when AutoDeleteOnIdle < TimeSpan.FromMinutes(5) => "AutoDeleteOnIdle must be at least 5 minutes.",
        { MaxSizeInMegabytes: < 1 } => "MaxSizeInMegabytes must be positive.",
        { UserMetadata.Length: > 1024 } => "UserMetadata has more than 1024 characters.",
        { AuthorizationRules.Count: > MaxAuthorizationRules } => $"An entity can have {MaxAuthorizationRules} authorization rules.",
        _ when AuthorizationRules.DistinctBy(static rule => rule.KeyName).Count() != AuthorizationRules.Count => "Two authorization rules have the same name.",
        _ when AuthorizationRules.Select(static rule => rule.Problem()).FirstOrDefault(static problem => problem is not null) is { } problem => problem,
        { ForwardTo: not null, RequiresSession: true } => "An entity that requires sessions cannot forward its messages.",
        _ => null,
    };
}
