using System.Globalization;
using System.Xml.Linq;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Filters;

namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>Descriptions of rules as XML.</summary>
internal static class RuleXml
{
    private static readonly string[] SystemProperties =
        ["CorrelationId", "MessageId", "To", "ReplyTo", "Label", "SessionId", "ReplyToSessionId", "ContentType"];

    /// <exception cref="EntityException">It is no rule.</exception>
    internal static RuleDefinition Read(XElement description, string name)
    {
        var filter = description.Element(AtomXml.ServiceBus + "Filter");
        var action = description.Element(AtomXml.ServiceBus + "Action");
        var rule = new RuleDefinition
        {
            Name = name,
            ActionExpression = Text(action, "SqlExpression"),
            ActionParameters = Values(action, "Parameters"),
        };
        return Type(filter) switch
        {
            null or "TrueFilter" => rule,
            "FalseFilter" => rule with { Kind = RuleFilterKind.False },
            "SqlFilter" => rule with
            {
                Kind = RuleFilterKind.Sql,
                SqlExpression = Text(filter, "SqlExpression") ?? throw Malformed("The filter has no SqlExpression."),
                SqlParameters = Values(filter, "Parameters"),
            },
            "CorrelationFilter" => rule with
            {
                Kind = RuleFilterKind.Correlation,
                SystemProperties = SystemProperties
                    .Where(property => Text(filter, property) is not null)
                    .ToDictionary(property => property, property => Text(filter, property)!),
                ApplicationProperties = Values(filter, "Properties"),
            },
            var other => throw Malformed($"Filters of type '{other}' are not known."),
        };
    }

    internal static XElement Write(RuleDefinition rule) => new(
        AtomXml.ServiceBus + "RuleDescription",
        new XAttribute(XNamespace.Xmlns + "i", AtomXml.Instance),
        Filter(rule),
        rule.ActionExpression is { Length: > 0 } action
            ? Typed("Action", "SqlRuleAction", Sql(action), Map("Parameters", rule.ActionParameters))
            : Typed("Action", "EmptyRuleAction"),
        new XElement(AtomXml.ServiceBus + "CreatedAt", AtomXml.Time(rule.CreatedAt)),
        new XElement(AtomXml.ServiceBus + "Name", rule.Name));

    private static XElement Filter(RuleDefinition rule) => rule.Kind switch
    {
        RuleFilterKind.True => Typed("Filter", "TrueFilter", Sql("1=1")),
        RuleFilterKind.False => Typed("Filter", "FalseFilter", Sql("1=0")),
        RuleFilterKind.Sql => Typed("Filter", "SqlFilter", Sql(rule.SqlExpression!), Map("Parameters", rule.SqlParameters)),
        _ => Typed(
            "Filter",
            "CorrelationFilter",
            [
                .. SystemProperties.Where(name => rule.SystemProperties?.ContainsKey(name) == true)
                    .Select(name => new XElement(AtomXml.ServiceBus + name, rule.SystemProperties![name])),
                Map("Properties", rule.ApplicationProperties),
            ]),
    };

    private static XElement[] Sql(string expression) =>
    [
        new XElement(AtomXml.ServiceBus + "SqlExpression", expression),
        new XElement(AtomXml.ServiceBus + "CompatibilityLevel", 20),
    ];

    private static XElement Typed(string name, string type, params object?[] content)
        => new(AtomXml.ServiceBus + name, new XAttribute(AtomXml.Instance + "type", type), content);

    private static XElement? Map(string name, IReadOnlyDictionary<string, TypedValue>? values)
        => values is not { Count: > 0 }
            ? null
            : new XElement(AtomXml.ServiceBus + name, values.Select(pair => new XElement(
                AtomXml.ServiceBus + "KeyValueOfstringanyType",
                new XElement(AtomXml.ServiceBus + "Key", pair.Key),
                new XElement(
                    AtomXml.ServiceBus + "Value",
                    new XAttribute(XNamespace.Xmlns + "d6p1", AtomXml.Schema),
                    new XAttribute(AtomXml.Instance + "type", "d6p1:" + pair.Value.Type),
                    pair.Value.Value))));

    private static Dictionary<string, TypedValue>? Values(XElement? parent, string name)
    {
        try
        {
            var result = new Dictionary<string, TypedValue>();
            foreach (var pair in parent?.Element(AtomXml.ServiceBus + name)?.Elements().Where(static pair => pair.Name.LocalName == "KeyValueOfstringanyType") ?? [])
            {
                var key = pair.Elements().FirstOrDefault(static element => element.Name.LocalName == "Key")?.Value ?? throw Malformed("A value has no key.");
                var value = pair.Elements().FirstOrDefault(static element => element.Name.LocalName == "Value") ?? throw Malformed($"'{key}' has no value.");
                var typed = new TypedValue(Type(value) ?? "string", value.Value);
                result[key] = TypedValue.Of(typed.ToObject());
            }

            return result.Count == 0 ? null : result;
        }
        catch (FilterException exception)
        {
            throw Malformed(exception.Message);
        }
    }

    // The local part of xsi:type; prefixes are the sender's choice.
    private static string? Type(XElement? element)
        => element?.Attribute(AtomXml.Instance + "type")?.Value is { } type ? type[(type.LastIndexOf(':') + 1)..] : null;

    private static string? Text(XElement? parent, string name) => parent?.Element(AtomXml.ServiceBus + name)?.Value is { Length: > 0 } value ? value : null;

    private static EntityException Malformed(string message) => new(EntityProblem.Invalid, string.Create(CultureInfo.InvariantCulture, $"SubCode=40000. {message}"));
}
