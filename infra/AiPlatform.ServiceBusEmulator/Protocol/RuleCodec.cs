using System.Globalization;
using AiPlatform.ServiceBusEmulator.Filters;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>Rules as the management node carries them; names and codes are those of the request-response guide.</summary>
internal static class RuleCodec
{
    private const ulong RuleDescription = 0x0000013700000004;
    private const ulong EmptyAction = 0x0000013700000005;
    private const ulong SqlAction = 0x0000013700000006;
    private const ulong SqlFilter = 0x0000001370000006;
    private const ulong TrueFilter = 0x0000001370000007;
    private const ulong FalseFilter = 0x0000001370000008;
    private const ulong CorrelationFilter = 0x0000001370000009;

    // In the order of the fields of an encoded filter.
    private static readonly (string Key, string Property)[] SystemProperties =
    [
        ("correlation-id", "CorrelationId"),
        ("message-id", "MessageId"),
        ("to", "To"),
        ("reply-to", "ReplyTo"),
        ("label", "Label"),
        ("session-id", "SessionId"),
        ("reply-to-session-id", "ReplyToSessionId"),
        ("content-type", "ContentType"),
    ];

    /// <summary>Reads the description in a request to add a rule.</summary>
    internal static RuleDefinition Read(string name, Map description)
    {
        var rule = new RuleDefinition
        {
            Name = name,
            ActionExpression = (description["sql-rule-action"] as Map)?["expression"] as string,
        };
        if (description["sql-filter"] is Map sql)
        {
            return rule with { Kind = RuleFilterKind.Sql, SqlExpression = sql["expression"] as string };
        }

        var correlation = description["correlation-filter"] as Map ?? throw new FilterException("The rule has no filter.");
        return rule with
        {
            Kind = RuleFilterKind.Correlation,
            SystemProperties = SystemProperties
                .Where(property => correlation[property.Key] is not null)
                .ToDictionary(property => property.Property, property => Convert.ToString(correlation[property.Key], CultureInfo.InvariantCulture)!),
            ApplicationProperties = (correlation["properties"] as Map)?
                .ToDictionary(pair => Dispositions.Text(pair.Key), pair => TypedValue.Of(pair.Value)),
        };
    }

    /// <summary>A rule as it is listed.</summary>
    internal static Map Write(RuleDefinition rule) => new()
    {
        ["rule-description"] = new DescribedValue(RuleDescription, new List { Filter(rule), Action(rule), rule.Name, rule.CreatedAt }),
    };

    private static DescribedValue Filter(RuleDefinition rule) => rule.Kind switch
    {
        RuleFilterKind.True => new DescribedValue(TrueFilter, new List()),
        RuleFilterKind.False => new DescribedValue(FalseFilter, new List()),
        RuleFilterKind.Sql => new DescribedValue(SqlFilter, new List { rule.SqlExpression }),
        _ => new DescribedValue(CorrelationFilter, Correlation(rule)),
    };

    private static List Correlation(RuleDefinition rule)
    {
        var fields = new List();
        foreach (var (_, property) in SystemProperties)
        {
            fields.Add(rule.SystemProperties?.GetValueOrDefault(property));
        }

        var properties = new Map();
        foreach (var (key, value) in rule.ApplicationProperties ?? new Dictionary<string, TypedValue>())
        {
            properties[key] = value.ToObject() is decimal number ? (double)number : value.ToObject();
        }

        fields.Add(properties);
        return fields;
    }

    private static DescribedValue Action(RuleDefinition rule)
        => rule.ActionExpression is { Length: > 0 } action
            ? new DescribedValue(SqlAction, new List { action })
            : new DescribedValue(EmptyAction, new List());
}
