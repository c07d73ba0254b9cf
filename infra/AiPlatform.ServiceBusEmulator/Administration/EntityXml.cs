using System.Globalization;
using System.Xml.Linq;
using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>Descriptions of queues, topics and subscriptions as XML, in the order of the service's schema.</summary>
internal static class EntityXml
{
    internal static string ElementName(EntityKind kind) => kind switch
    {
        EntityKind.Topic => "TopicDescription",
        EntityKind.Subscription => "SubscriptionDescription",
        _ => "QueueDescription",
    };

    /// <summary>The settings in a description; what it does not name has its default.</summary>
    /// <exception cref="EntityException">A value is not of its type.</exception>
    internal static EntityProperties Read(XElement description)
    {
        var defaults = new EntityProperties();
        return new EntityProperties
        {
            LockDuration = Duration(description, nameof(EntityProperties.LockDuration), defaults.LockDuration),
            MaxSizeInMegabytes = Number(description, nameof(EntityProperties.MaxSizeInMegabytes)) ?? defaults.MaxSizeInMegabytes,
            RequiresDuplicateDetection = Flag(description, nameof(EntityProperties.RequiresDuplicateDetection), false),
            RequiresSession = Flag(description, nameof(EntityProperties.RequiresSession), false),
            DefaultMessageTimeToLive = Duration(description, nameof(EntityProperties.DefaultMessageTimeToLive), defaults.DefaultMessageTimeToLive),
            DeadLetteringOnMessageExpiration = Flag(description, nameof(EntityProperties.DeadLetteringOnMessageExpiration), false),
            DeadLetteringOnFilterEvaluationExceptions = Flag(description, nameof(EntityProperties.DeadLetteringOnFilterEvaluationExceptions), true),
            DuplicateDetectionHistoryTimeWindow = Duration(
                description, nameof(EntityProperties.DuplicateDetectionHistoryTimeWindow), defaults.DuplicateDetectionHistoryTimeWindow),
            MaxDeliveryCount = (int)Math.Clamp(Number(description, nameof(EntityProperties.MaxDeliveryCount)) ?? defaults.MaxDeliveryCount, int.MinValue, int.MaxValue),
            EnableBatchedOperations = Flag(description, nameof(EntityProperties.EnableBatchedOperations), true),
            AuthorizationRules = AuthorizationRuleXml.Read(description),
            Status = Status(description),
            ForwardTo = Target(description, nameof(EntityProperties.ForwardTo)),
            UserMetadata = Text(description, nameof(EntityProperties.UserMetadata)),
            AutoDeleteOnIdle = Duration(description, nameof(EntityProperties.AutoDeleteOnIdle), defaults.AutoDeleteOnIdle),
            EnablePartitioning = Flag(description, nameof(EntityProperties.EnablePartitioning), false),
            ForwardDeadLetteredMessagesTo = Target(description, nameof(EntityProperties.ForwardDeadLetteredMessagesTo)),
            EnableExpress = Flag(description, nameof(EntityProperties.EnableExpress), false),
            SupportOrdering = Flag(description, nameof(EntityProperties.SupportOrdering), true),
            MaxMessageSizeInKilobytes = Number(description, nameof(EntityProperties.MaxMessageSizeInKilobytes)),
        };
    }

    /// <summary>An entity with what is in it now.</summary>
    /// <param name="entity">The entity.</param>
    /// <param name="counts">What the table has of it.</param>
    /// <param name="baseAddress">The namespace's address, for the targets of forwarding.</param>
    internal static XElement Write(Entity entity, MessageCounts counts, string baseAddress)
    {
        var properties = entity.Properties;
        var isTopic = entity.Definition.Kind == EntityKind.Topic;
        var isSubscription = entity.Definition.Kind == EntityKind.Subscription;
        var element = new XElement(AtomXml.ServiceBus + ElementName(entity.Definition.Kind), new XAttribute(XNamespace.Xmlns + "i", AtomXml.Instance));
        void Add(string name, object? value)
        {
            if (value is not null)
            {
                element.Add(new XElement(AtomXml.ServiceBus + name, value));
            }
        }

        if (!isTopic)
        {
            Add("LockDuration", AtomXml.Duration(properties.LockDuration));
        }

        if (!isSubscription)
        {
            Add("MaxSizeInMegabytes", properties.MaxSizeInMegabytes);
            Add("RequiresDuplicateDetection", properties.RequiresDuplicateDetection);
        }

        if (!isTopic)
        {
            Add("RequiresSession", properties.RequiresSession);
        }

        Add("DefaultMessageTimeToLive", AtomXml.Duration(properties.DefaultMessageTimeToLive));
        if (!isTopic)
        {
            Add("DeadLetteringOnMessageExpiration", properties.DeadLetteringOnMessageExpiration);
        }

        if (isSubscription)
        {
            Add("DeadLetteringOnFilterEvaluationExceptions", properties.DeadLetteringOnFilterEvaluationExceptions);
        }
        else
        {
            Add("DuplicateDetectionHistoryTimeWindow", AtomXml.Duration(properties.DuplicateDetectionHistoryTimeWindow));
        }

        if (!isTopic)
        {
            Add("MaxDeliveryCount", properties.MaxDeliveryCount);
            Add("MessageCount", counts.Total);
        }

        Add("EnableBatchedOperations", properties.EnableBatchedOperations);
        if (!isSubscription)
        {
            Add("SizeInBytes", counts.SizeInBytes);
            element.Add(AuthorizationRuleXml.Write(properties.AuthorizationRules));
        }

        Add("Status", properties.Status);
        if (!isTopic)
        {
            Add("ForwardTo", Address(baseAddress, properties.ForwardTo));
        }

        Add("UserMetadata", properties.UserMetadata);
        Add("CreatedAt", AtomXml.Time(entity.Definition.CreatedAt));
        Add("UpdatedAt", AtomXml.Time(entity.Definition.UpdatedAt));
        Add("AccessedAt", AtomXml.Time(entity.AccessedAt));
        if (isTopic)
        {
            Add("SupportOrdering", properties.SupportOrdering);
        }

        element.Add(new XElement(
            AtomXml.ServiceBus + "CountDetails",
            new XAttribute(XNamespace.Xmlns + "d2p1", AtomXml.Counts),
            new XElement(AtomXml.Counts + "ActiveMessageCount", counts.Active),
            new XElement(AtomXml.Counts + "DeadLetterMessageCount", counts.DeadLetter),
            new XElement(AtomXml.Counts + "ScheduledMessageCount", counts.Scheduled),
            new XElement(AtomXml.Counts + "TransferMessageCount", 0),
            new XElement(AtomXml.Counts + "TransferDeadLetterMessageCount", counts.TransferDeadLetter)));
        if (entity is TopicEntity topic)
        {
            Add("SubscriptionCount", topic.Subscriptions.Length);
        }

        Add("AutoDeleteOnIdle", AtomXml.Duration(properties.AutoDeleteOnIdle));
        if (!isSubscription)
        {
            Add("EnablePartitioning", properties.EnablePartitioning);
        }

        if (!isTopic)
        {
            Add("ForwardDeadLetteredMessagesTo", Address(baseAddress, properties.ForwardDeadLetteredMessagesTo));
        }

        Add("EntityAvailabilityStatus", "Available");
        if (!isSubscription)
        {
            Add("EnableExpress", properties.EnableExpress);
            Add("MaxMessageSizeInKilobytes", properties.MaxMessageSizeInKilobytes);
        }

        return element;
    }

    private static string? Address(string baseAddress, string? target) => target is null ? null : baseAddress + target;

    private static string? Text(XElement description, string name) => description.Element(AtomXml.ServiceBus + name)?.Value is { Length: > 0 } value ? value : null;

    private static string? Target(XElement description, string name) => Text(description, name) is { } value ? EntityNames.PathOf(value) : null;

    private static TimeSpan Duration(XElement description, string name, TimeSpan otherwise)
        => Text(description, name) is { } value ? AtomXml.ReadDuration(value) : otherwise;

    private static bool Flag(XElement description, string name, bool otherwise) => Text(description, name) switch
    {
        null => otherwise,
        { } value when bool.TryParse(value, out var flag) => flag,
        { } value => throw Malformed(name, value),
    };

    private static long? Number(XElement description, string name) => Text(description, name) switch
    {
        null => null,
        { } value when long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        { } value => throw Malformed(name, value),
    };

    private static EntityStatus Status(XElement description) => Text(description, "Status") switch
    {
        null => EntityStatus.Active,
        { } value when Enum.TryParse<EntityStatus>(value, out var status) && Enum.IsDefined(status) => status,
        { } value => throw Malformed("Status", value),
    };

    private static EntityException Malformed(string name, string value) => new(EntityProblem.Invalid, $"SubCode=40000. '{value}' is not a value of {name}.");
}
