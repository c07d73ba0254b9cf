using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Messaging;

namespace AiPlatform.Local.Triggers;

/// <summary>The body of an invocation, exactly as the Functions host sends it to a custom handler.</summary>
internal static class InvocationEnvelope
{
    /// <summary>Quotes are escaped by a backslash only, as the host does.</summary>
    public static JsonSerializerOptions Json { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A timer's invocation.</summary>
    public static JsonObject ForTimer(TimerBinding timer, DateTimeOffset now) => new()
    {
        ["Data"] = new JsonObject
        {
            [timer.Name] = new JsonObject
            {
                ["Schedule"] = new JsonObject { ["AdjustForDST"] = true },
                ["ScheduleStatus"] = null,
                ["IsPastDue"] = false,
            },
        },
        ["Metadata"] = new JsonObject { ["sys"] = System(timer.Function, now) },
    };

    /// <summary>A message's invocation: strings are JSON inside JSON, and a message's own properties are among the metadata.</summary>
    public static JsonObject ForMessage(ServiceBusBinding binding, ServiceBusReceivedMessage message, DateTimeOffset now)
    {
        var body = message.Body.ToString();
        var metadata = new JsonObject
        {
            ["MessageId"] = Encode(message.MessageId),
            ["SequenceNumber"] = Encode(message.SequenceNumber),
            ["DeliveryCount"] = Encode(message.DeliveryCount),
            ["EnqueuedTimeUtc"] = Encode(message.EnqueuedTime.UtcDateTime),
            ["ExpiresAtUtc"] = Encode(message.ExpiresAt.UtcDateTime),
            ["LockToken"] = Encode(message.LockToken),
            ["CorrelationId"] = Encode(message.CorrelationId),
            ["ContentType"] = Encode(message.ContentType),
            ["ApplicationProperties"] = Encode(message.ApplicationProperties),
        };
        foreach (var (name, value) in TopLevelProperties(body))
        {
            metadata[name] = value?.ToJsonString(Json);
        }

        metadata["sys"] = System(binding.Function, now);
        return new JsonObject { ["Data"] = new JsonObject { [binding.Name] = Encode(body) }, ["Metadata"] = metadata };
    }

    private static string Encode<T>(T value) => JsonSerializer.Serialize(value, Json);

    private static JsonObject System(string function, DateTimeOffset now) => new()
    {
        ["MethodName"] = function,
        ["UtcNow"] = now.UtcDateTime,
        ["RandGuid"] = Guid.NewGuid().ToString(),
    };

    private static IEnumerable<KeyValuePair<string, JsonNode?>> TopLevelProperties(string body)
    {
        try
        {
            return JsonNode.Parse(body) as IEnumerable<KeyValuePair<string, JsonNode?>> ?? [];
        }
        catch (JsonException)
        {
            return []; // A message need not be JSON.
        }
    }
}
