using System.Text.Json;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Traces;

/// <summary>Reads spans of <c>traces.json</c>: those of MLflow 3, whose ids are base64, and those of MLflow 2, which have a context.</summary>
internal static class SpanFile
{
    private const int MaxName = 10_000;

    /// <summary>The span, as one of this trace.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static SpanRecord Read(JsonElement span, string traceId)
    {
        if (span.ValueKind != JsonValueKind.Object || !JsonTexts.AreSound(span))
        {
            throw Wrong("it is not an object");
        }

        var context = Find(span, "context");
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find(span, "attributes") is { ValueKind: JsonValueKind.Object } map)
        {
            foreach (var attribute in map.EnumerateObject())
            {
                attributes[attribute.Name.Replace('\0', '\uFFFD')] = attribute.Value.ValueKind == JsonValueKind.String
                    ? attribute.Value.GetString()!.Replace('\0', '\uFFFD')
                    : attribute.Value.GetRawText();
            }
        }

        SpanDialects.Translate(attributes);
        var (status, message) = Status(span);
        return new SpanRecord
        {
            TraceId = traceId,
            OtelTraceId = Id(Find(context ?? span, "trace_id"), 16, "trace_id"),
            Id = Id(Find(context ?? span, "span_id"), 8, "span_id"),
            ParentId = (Find(span, "parent_span_id") ?? Find(span, "parent_id")) is { ValueKind: JsonValueKind.String } parent && parent.GetString() is { Length: > 0 }
                ? Id(parent, 8, "parent_span_id")
                : null,
            Name = TraceTexts.Column(Find(span, "name") is { } name ? name.ValueKind == JsonValueKind.String ? name.GetString()! : name.GetRawText() : string.Empty, MaxName),
            Status = status,
            StatusMessage = TraceTexts.Column(message, MaxName),
            StartedNs = Time(span, "start_time_unix_nano", "start_time") ?? throw Wrong("it has no start time"),
            EndedNs = Time(span, "end_time_unix_nano", "end_time"),
            Attributes = attributes,
            Events = Events(span),
        };
    }

    private static (string Status, string Message) Status(JsonElement span)
    {
        var status = Find(span, "status");
        var text = status is { ValueKind: JsonValueKind.Object } ? Find(status.Value, "code") : Find(span, "status_code");
        var message = status is { ValueKind: JsonValueKind.Object } ? Find(status.Value, "message") : Find(span, "status_message");
        var code = text is { ValueKind: JsonValueKind.String } ? text.Value.GetString()! : string.Empty;
        return (
            code.EndsWith("OK", StringComparison.Ordinal) ? "OK" : code.EndsWith("ERROR", StringComparison.Ordinal) ? "ERROR" : "UNSET",
            message is { ValueKind: JsonValueKind.String } ? message.Value.GetString()! : string.Empty);
    }

    private static string? Events(JsonElement span)
    {
        if (Find(span, "events") is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() == 0)
        {
            return null;
        }

        return AttributeValues.Json(json =>
        {
            json.WriteStartArray();
            foreach (var entry in list.EnumerateArray())
            {
                if (entry.ValueKind != JsonValueKind.Object)
                {
                    throw Wrong("an event is not an object");
                }

                json.WriteStartObject();
                json.WriteString("name"u8, Find(entry, "name") is { ValueKind: JsonValueKind.String } name ? name.GetString() : string.Empty);
                json.WriteNumber("time_unix_nano"u8, Time(entry, "time_unix_nano", "timestamp") ?? 0);
                json.WritePropertyName("attributes"u8);
                if (Find(entry, "attributes") is { ValueKind: JsonValueKind.Object } attributes)
                {
                    attributes.WriteTo(json);
                }
                else
                {
                    json.WriteStartObject();
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static long? Time(JsonElement json, string name, string older)
    {
        var value = Find(json, name) ?? Find(json, older);
        return value switch
        {
            null => null,
            { ValueKind: JsonValueKind.Number } number when number.TryGetInt64(out var time) && time >= 0 => time,
            { ValueKind: JsonValueKind.String } text when long.TryParse(text.GetString(), out var time) && time >= 0 => time,
            _ => throw Wrong($"its {name} is not valid"),
        };
    }

    // Base64, or hexadecimal with or without 0x.
    private static string Id(JsonElement? value, int bytes, string name)
    {
        if (value is not { ValueKind: JsonValueKind.String })
        {
            throw Wrong($"its {name} is missing");
        }

        var text = value.Value.GetString()!;
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        if (hex.Length == 2 * bytes && hex.All(char.IsAsciiHexDigit))
        {
            return hex.ToLowerInvariant();
        }

        var id = new byte[bytes];
        return Convert.TryFromBase64String(text, id, out var written) && written == bytes ? Convert.ToHexStringLower(id) : throw Wrong($"its {name} is not valid");
    }

    private static JsonElement? Find(JsonElement json, string name)
        => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static MLflowException Wrong(string reason) => MLflowException.Invalid($"Invalid span in trace data: {reason}.");
}
