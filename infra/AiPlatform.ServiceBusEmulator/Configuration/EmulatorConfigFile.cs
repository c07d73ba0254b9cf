using System.Text.Json;
using System.Xml;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Filters;

namespace AiPlatform.ServiceBusEmulator.Configuration;

/// <summary>
/// Reads the <c>Config.json</c> of Microsoft's Service Bus emulator: <c>UserConfig.Namespaces[].Queues[]</c> and
/// <c>Topics[].Subscriptions[].Rules[]</c>. There is one namespace here; the entities of all that are named are in it.
/// </summary>
internal static class EmulatorConfigFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNameCaseInsensitive = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private static readonly string[] CorrelationNames = ["ContentType", "CorrelationId", "Label", "MessageId", "ReplyTo", "ReplyToSessionId", "SessionId", "To"];

    /// <exception cref="FormatException">The file does not have that shape.</exception>
    internal static List<EntityDefinition> Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception exception) when (exception is JsonException or FilterException or FormatException)
        {
            throw new FormatException($"{path}: {exception.Message}", exception);
        }
    }

    internal static List<EntityDefinition> Parse(string json)
    {
        var file = JsonSerializer.Deserialize<ConfigFile>(json, Json);
        var result = new List<EntityDefinition>();
        foreach (var space in file?.UserConfig?.Namespaces ?? throw new FormatException("UserConfig.Namespaces is missing."))
        {
            result.AddRange((space.Queues ?? []).Select(queue => Entity(queue.Name, EntityKind.Queue, queue.Properties)));
            foreach (var topic in space.Topics ?? [])
            {
                result.Add(Entity(topic.Name, EntityKind.Topic, topic.Properties));
                foreach (var subscription in topic.Subscriptions ?? [])
                {
                    var name = EntityNames.Subscription(topic.Name ?? string.Empty, subscription.Name ?? string.Empty);
                    var rules = (subscription.Rules ?? []).ConvertAll(Rule);
                    result.Add(Entity(name, EntityKind.Subscription, subscription.Properties) with
                    {
                        Rules = rules.Count > 0 ? rules : [RuleDefinition.Default(default)],
                    });
                }
            }
        }

        return result;
    }

    private static EntityDefinition Entity(string? name, EntityKind kind, EntitySection? section)
    {
        var defaults = new EntityProperties();
        var properties = new EntityProperties
        {
            LockDuration = Duration(section?.LockDuration, defaults.LockDuration),
            MaxDeliveryCount = section?.MaxDeliveryCount ?? defaults.MaxDeliveryCount,
            RequiresSession = section?.RequiresSession ?? false,
            RequiresDuplicateDetection = section?.RequiresDuplicateDetection ?? false,
            DuplicateDetectionHistoryTimeWindow = Duration(section?.DuplicateDetectionHistoryTimeWindow, defaults.DuplicateDetectionHistoryTimeWindow),
            DefaultMessageTimeToLive = Duration(section?.DefaultMessageTimeToLive, defaults.DefaultMessageTimeToLive),
            DeadLetteringOnMessageExpiration = section?.DeadLetteringOnMessageExpiration ?? false,
            ForwardTo = Text(section?.ForwardTo),
            ForwardDeadLetteredMessagesTo = Text(section?.ForwardDeadLetteredMessagesTo),
        };
        return new EntityDefinition { Name = name ?? throw new FormatException("An entity has no name."), Kind = kind, Properties = properties };
    }

    private static RuleDefinition Rule(RuleSection rule)
    {
        var name = rule.Name ?? throw new FormatException("A rule has no name.");
        var properties = rule.Properties ?? throw new FormatException($"The rule '{name}' has no properties.");
        var isSql = properties.SqlFilter is not null || string.Equals(properties.FilterType, "Sql", StringComparison.OrdinalIgnoreCase);
        var correlation = properties.CorrelationFilter ?? [];
        return new RuleDefinition
        {
            Name = name,
            Kind = isSql ? RuleFilterKind.Sql : RuleFilterKind.Correlation,
            SqlExpression = properties.SqlFilter?.SqlExpression,
            ActionExpression = Text(properties.Action?.SqlExpression),
            SystemProperties = isSql ? null : SystemProperties(correlation),
            ApplicationProperties = isSql ? null : ApplicationProperties(correlation),
        };
    }

    private static Dictionary<string, string> SystemProperties(Dictionary<string, JsonElement> filter)
        => CorrelationNames
            .Where(name => Find(filter, name) is { ValueKind: JsonValueKind.String } value && value.GetString()!.Length > 0)
            .ToDictionary(name => name, name => Find(filter, name)!.Value.GetString()!);

    private static Dictionary<string, TypedValue>? ApplicationProperties(Dictionary<string, JsonElement> filter)
        => Find(filter, "Properties") is { ValueKind: JsonValueKind.Object } properties
            ? properties.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.ValueKind switch
            {
                JsonValueKind.True => TypedValue.Of(true),
                JsonValueKind.False => TypedValue.Of(false),
                JsonValueKind.Number => property.Value.TryGetInt64(out var number) ? TypedValue.Of(number) : TypedValue.Of(property.Value.GetDouble()),
                JsonValueKind.String => TypedValue.Of(property.Value.GetString()!),
                _ => throw new FormatException($"The filter's property '{property.Name}' is neither a text, a number nor a boolean."),
            })
            : null;

    private static JsonElement? Find(Dictionary<string, JsonElement> map, string name)
    {
        var key = map.Keys.FirstOrDefault(key => key.Equals(name, StringComparison.OrdinalIgnoreCase));
        return key is null ? null : map[key];
    }

    private static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    private static TimeSpan Duration(string? value, TimeSpan otherwise)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return otherwise;
        }

        try
        {
            return XmlConvert.ToTimeSpan(value);
        }
        catch (OverflowException)
        {
            // The service writes "for ever" as a duration that is too long to be one.
            return TimeSpan.MaxValue;
        }
    }

    private sealed record ConfigFile(UserSection? UserConfig);

    private sealed record UserSection(List<NamespaceSection>? Namespaces);

    private sealed record NamespaceSection(string? Name, List<QueueSection>? Queues, List<TopicSection>? Topics);

    private sealed record QueueSection(string? Name, EntitySection? Properties);

    private sealed record TopicSection(string? Name, EntitySection? Properties, List<SubscriptionSection>? Subscriptions);

    private sealed record SubscriptionSection(string? Name, EntitySection? Properties, List<RuleSection>? Rules);

    private sealed record EntitySection(
        string? LockDuration,
        int? MaxDeliveryCount,
        bool? RequiresSession,
        bool? RequiresDuplicateDetection,
        string? DuplicateDetectionHistoryTimeWindow,
        string? DefaultMessageTimeToLive,
        bool? DeadLetteringOnMessageExpiration,
        string? ForwardTo,
        string? ForwardDeadLetteredMessagesTo);

    private sealed record RuleSection(string? Name, RuleProperties? Properties);

    private sealed record RuleProperties(string? FilterType, SqlSection? SqlFilter, SqlSection? Action, Dictionary<string, JsonElement>? CorrelationFilter);

    private sealed record SqlSection(string? SqlExpression);
}
