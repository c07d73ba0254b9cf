namespace AiPlatform.Messaging.Administration;

/// <summary>A subscription's settings.</summary>
public class SubscriptionProperties(string topicName, string subscriptionName) : ReceivableProperties
{
    /// <summary>The topic.</summary>
    public string TopicName { get; } = topicName;

    /// <summary>The subscription's name.</summary>
    public string SubscriptionName { get; } = subscriptionName;

    /// <summary>Whether messages that a filter cannot judge become dead letters.</summary>
    public bool EnableDeadLetteringOnFilterEvaluationExceptions { get; set; } = true;

    internal override string ElementName => "SubscriptionDescription";

    internal override string Path => $"{TopicName}/Subscriptions/{SubscriptionName}";

    internal override IEnumerable<(string Name, object? Value)> Write() =>
    [
        (nameof(LockDuration), LockDuration),
        (nameof(RequiresSession), RequiresSession),
        (nameof(DefaultMessageTimeToLive), DefaultMessageTimeToLive),
        (nameof(DeadLetteringOnMessageExpiration), DeadLetteringOnMessageExpiration),
        ("DeadLetteringOnFilterEvaluationExceptions", EnableDeadLetteringOnFilterEvaluationExceptions),
        (nameof(MaxDeliveryCount), MaxDeliveryCount),
        (nameof(EnableBatchedOperations), EnableBatchedOperations),
        (nameof(Status), Status),
        (nameof(ForwardTo), ForwardTo),
        (nameof(UserMetadata), UserMetadata),
        (nameof(ForwardDeadLetteredMessagesTo), ForwardDeadLetteredMessagesTo),
        (nameof(AutoDeleteOnIdle), AutoDeleteOnIdle),
    ];

    internal override void Read(AtomElement description)
    {
        base.Read(description);
        EnableDeadLetteringOnFilterEvaluationExceptions = description.Flag("DeadLetteringOnFilterEvaluationExceptions");
    }
}

/// <summary>The settings of a subscription that is created.</summary>
public sealed class CreateSubscriptionOptions(string topicName, string subscriptionName) : SubscriptionProperties(topicName, subscriptionName);
