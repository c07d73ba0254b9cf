using System.Xml.Linq;

namespace AiPlatform.Messaging.Administration;

/// <summary>Selects messages whose properties are equal to all of those that are given.</summary>
public sealed class CorrelationRuleFilter : RuleFilter
{
    /// <summary>The correlation id.</summary>
    public string? CorrelationId { get; set; }

    /// <summary>The message id.</summary>
    public string? MessageId { get; set; }

    /// <summary>The address that the message is for.</summary>
    public string? To { get; set; }

    /// <summary>The address for answers.</summary>
    public string? ReplyTo { get; set; }

    /// <summary>The subject.</summary>
    public string? Subject { get; set; }

    /// <summary>The session.</summary>
    public string? SessionId { get; set; }

    /// <summary>The session for answers.</summary>
    public string? ReplyToSessionId { get; set; }

    /// <summary>The content type.</summary>
    public string? ContentType { get; set; }

    /// <summary>Application properties.</summary>
    public IDictionary<string, object> ApplicationProperties { get; } = new Dictionary<string, object>();

    internal override XElement Write() => AtomElement.Typed(
        "Filter",
        "CorrelationFilter",
        [.. Fields().Where(field => field.Value is not null).Select(field => new XElement(AtomElement.ServiceBus + field.Name, field.Value)), AtomElement.Map("Properties", ApplicationProperties)]);

    private (string Name, string? Value)[] Fields() =>
    [
        (nameof(CorrelationId), CorrelationId),
        (nameof(MessageId), MessageId),
        (nameof(To), To),
        (nameof(ReplyTo), ReplyTo),
        ("Label", Subject),
        (nameof(SessionId), SessionId),
        (nameof(ReplyToSessionId), ReplyToSessionId),
        (nameof(ContentType), ContentType),
    ];
}
