namespace AiPlatform.Messaging.Administration;

/// <summary>A queue's settings.</summary>
public class QueueProperties(string name) : ReceivableProperties
{
    /// <summary>The queue's name.</summary>
    public string Name { get; } = name;

    /// <summary>The most bytes of messages, in MiB.</summary>
    public long MaxSizeInMegabytes { get; set; } = 1024;

    /// <summary>Whether messages with an id seen before are dropped; cannot be changed later.</summary>
    public bool RequiresDuplicateDetection { get; set; }

    /// <summary>How long ids are remembered.</summary>
    public TimeSpan DuplicateDetectionHistoryTimeWindow { get; set; } = TimeSpan.FromMinutes(10);

    internal override string ElementName => "QueueDescription";

    internal override string Path => Name;

    internal override IEnumerable<(string Name, object? Value)> Write() =>
    [
        (nameof(LockDuration), LockDuration),
        (SendableFields.MaxSize, MaxSizeInMegabytes),
        (SendableFields.RequiresDuplicateDetection, RequiresDuplicateDetection),
        (nameof(RequiresSession), RequiresSession),
        (nameof(DefaultMessageTimeToLive), DefaultMessageTimeToLive),
        (nameof(DeadLetteringOnMessageExpiration), DeadLetteringOnMessageExpiration),
        (SendableFields.DuplicateWindow, DuplicateDetectionHistoryTimeWindow),
        (nameof(MaxDeliveryCount), MaxDeliveryCount),
        (nameof(EnableBatchedOperations), EnableBatchedOperations),
        (nameof(Status), Status),
        (nameof(ForwardTo), ForwardTo),
        (nameof(UserMetadata), UserMetadata),
        (nameof(AutoDeleteOnIdle), AutoDeleteOnIdle),
        (nameof(ForwardDeadLetteredMessagesTo), ForwardDeadLetteredMessagesTo),
    ];

    internal override void Read(AtomElement description)
    {
        base.Read(description);
        MaxSizeInMegabytes = description.Number(SendableFields.MaxSize);
        RequiresDuplicateDetection = description.Flag(SendableFields.RequiresDuplicateDetection);
        DuplicateDetectionHistoryTimeWindow = description.Duration(SendableFields.DuplicateWindow);
    }
}

/// <summary>The settings of a queue that is created.</summary>
public sealed class CreateQueueOptions(string name) : QueueProperties(name);
