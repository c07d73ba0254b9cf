namespace AiPlatform.Messaging.Administration;

/// <summary>A topic's settings.</summary>
public class TopicProperties(string name) : EntityProperties
{
    /// <summary>The topic's name.</summary>
    public string Name { get; } = name;

    /// <summary>The most bytes of messages, in MiB.</summary>
    public long MaxSizeInMegabytes { get; set; } = 1024;

    /// <summary>Whether messages with an id seen before are dropped; cannot be changed later.</summary>
    public bool RequiresDuplicateDetection { get; set; }

    /// <summary>How long ids are remembered.</summary>
    public TimeSpan DuplicateDetectionHistoryTimeWindow { get; set; } = TimeSpan.FromMinutes(10);

    internal override string ElementName => "TopicDescription";

    internal override string Path => Name;

    internal override IEnumerable<(string Name, object? Value)> Write() =>
    [
        (nameof(DefaultMessageTimeToLive), DefaultMessageTimeToLive),
        (SendableFields.MaxSize, MaxSizeInMegabytes),
        (SendableFields.RequiresDuplicateDetection, RequiresDuplicateDetection),
        (SendableFields.DuplicateWindow, DuplicateDetectionHistoryTimeWindow),
        (nameof(EnableBatchedOperations), EnableBatchedOperations),
        (nameof(Status), Status),
        (nameof(UserMetadata), UserMetadata),
        (nameof(AutoDeleteOnIdle), AutoDeleteOnIdle),
    ];

    internal override void Read(AtomElement description)
    {
        base.Read(description);
        MaxSizeInMegabytes = description.Number(SendableFields.MaxSize);
        RequiresDuplicateDetection = description.Flag(SendableFields.RequiresDuplicateDetection);
        DuplicateDetectionHistoryTimeWindow = description.Duration(SendableFields.DuplicateWindow);
    }
}

/// <summary>The settings of a topic that is created.</summary>
public sealed class CreateTopicOptions(string name) : TopicProperties(name);
