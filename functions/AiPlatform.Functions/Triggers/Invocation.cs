using System.Text.Json;
using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Triggers;

/// <summary>
/// Reads the body of a trigger invocation: <c>{"Data": {binding: value}, "Metadata": {...}}</c>. The Functions host encodes
/// strings as JSON twice; its documentation shows them encoded once. Both are read.
/// </summary>
internal static class Invocation
{
    /// <summary>The message of a Service Bus invocation.</summary>
    /// <exception cref="ApiException">400 when the body is no invocation.</exception>
    public static QueueMessage ReadMessage(JsonElement invocation)
    {
        if (invocation.ValueKind != JsonValueKind.Object || !invocation.TryGetProperty("Data", out var data) || data.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.Invalid("Data", "required");
        }

        // A message has one binding; its name is a matter of function.json.
        using var bindings = data.EnumerateObject();
        if (!bindings.MoveNext())
        {
            throw ApiException.Invalid("Data", "required");
        }

        var body = Decode(bindings.Current.Value);

        // A message's own top-level properties are merged into the metadata and may hide these: they are hints, no more.
        var metadata = invocation.TryGetProperty("Metadata", out var given) && given.ValueKind == JsonValueKind.Object ? given : default;
        return new QueueMessage(
            body,
            Metadata(metadata, "MessageId"),
            int.TryParse(Metadata(metadata, "DeliveryCount"), out var deliveries) ? deliveries : 1);
    }

    private static string? Metadata(JsonElement metadata, string name)
        => metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? Decode(value)
            : null;

    private static string Decode(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return value.GetRawText();
        }

        var text = value.GetString()!;
        if (text is not ['"', .., '"'])
        {
            return text;
        }

        try
        {
            return JsonSerializer.Deserialize<string>(text) ?? text;
        }
        catch (JsonException)
        {
            // It only looked encoded: a text that begins and ends with quotes.
            return text;
        }
    }
}
