using System.Text.Json;

namespace AiPlatform.MLflow.Traces;

/// <summary>Writes spans: as OTLP's messages in MLflow's answers, and as in the file <c>traces.json</c>.</summary>
internal static class SpanJson
{
    /// <summary>A span of OTLP; ids are base64, and names those of the protobuf fields.</summary>
    public static void WriteMessage(Utf8JsonWriter json, SpanRow span)
    {
        json.WriteStartObject();
        WriteIds(json, span, withParent: span.ParentId is not null);
        json.WriteString("name"u8, span.Name);
        json.WriteNumber("start_time_unix_nano"u8, span.StartedNs);
        if (span.EndedNs is { } end)
        {
            json.WriteNumber("end_time_unix_nano"u8, end);
        }

        json.WriteStartArray("attributes"u8);
        using (var attributes = JsonDocument.Parse(span.Attributes))
        {
            foreach (var attribute in attributes.RootElement.EnumerateObject())
            {
                json.WriteStartObject();
                json.WriteString("key"u8, attribute.Name);
                json.WritePropertyName("value"u8);
                AttributeValues.WriteAny(json, attribute.Value.GetString()!);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteStartArray("events"u8);
        WriteEvents(json, span.Events);
        json.WriteEndArray();
        WriteStatus(json, span);
        json.WriteEndObject();
    }

    /// <summary>A span of <c>traces.json</c>, which is that of clients' <c>Span.to_dict</c>.</summary>
    public static void WriteFile(Utf8JsonWriter json, SpanRow span, SpanFileDialect dialect)
    {
        if (dialect == SpanFileDialect.Two)
        {
            WriteOldFile(json, span);
            return;
        }

        json.WriteStartObject();
        WriteIds(json, span, withParent: true);
        json.WriteString("name"u8, span.Name);
        json.WriteNumber("start_time_unix_nano"u8, span.StartedNs);
        if (span.EndedNs is { } end)
        {
            json.WriteNumber("end_time_unix_nano"u8, end);
        }
        else
        {
            json.WriteNull("end_time_unix_nano"u8);
        }

        json.WritePropertyName("events"u8);
        json.WriteRawValue(span.Events ?? "[]");
        WriteStatus(json, span);
        json.WritePropertyName("attributes"u8);
        json.WriteRawValue(span.Attributes);
        json.WriteEndObject();
    }

    private static void WriteOldFile(Utf8JsonWriter json, SpanRow span)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, span.Name);
        json.WriteStartObject("context"u8);
        json.WriteString("span_id"u8, $"0x{span.Id}");
        json.WriteString("trace_id"u8, $"0x{span.OtelTraceId}");
        json.WriteEndObject();
        json.WriteString("parent_id"u8, span.ParentId is { } parent ? $"0x{parent}" : null);
        json.WriteNumber("start_time"u8, span.StartedNs);
        if (span.EndedNs is { } end)
        {
            json.WriteNumber("end_time"u8, end);
        }
        else
        {
            json.WriteNull("end_time"u8);
        }

        json.WriteString("status_code"u8, span.Status);
        json.WriteString("status_message"u8, span.StatusMessage);
        json.WriteStartObject("attributes"u8);
        using (var attributes = JsonDocument.Parse(span.Attributes))
        {
            // Clients refuse a span that does not name its trace.
            if (!attributes.RootElement.TryGetProperty(SpanKeys.TraceId, out _))
            {
                json.WriteString(SpanKeys.TraceId, JsonSerializer.Serialize(span.TraceId));
            }

            foreach (var attribute in attributes.RootElement.EnumerateObject())
            {
                attribute.WriteTo(json);
            }
        }

        json.WriteEndObject();
        json.WriteStartArray("events"u8);
        using (var events = JsonDocument.Parse(span.Events ?? "[]", new JsonDocumentOptions { MaxDepth = 256 }))
        {
            foreach (var entry in events.RootElement.EnumerateArray())
            {
                json.WriteStartObject();
                json.WriteString("name"u8, entry.GetProperty("name").GetString());
                json.WriteNumber("timestamp"u8, entry.GetProperty("time_unix_nano").GetUInt64());
                json.WritePropertyName("attributes"u8);
                entry.GetProperty("attributes").WriteTo(json);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteIds(Utf8JsonWriter json, SpanRow span, bool withParent)
    {
        json.WriteBase64String("trace_id"u8, Convert.FromHexString(span.OtelTraceId));
        json.WriteBase64String("span_id"u8, Convert.FromHexString(span.Id));
        if (withParent)
        {
            json.WritePropertyName("parent_span_id"u8);
            if (span.ParentId is { } parent)
            {
                json.WriteBase64StringValue(Convert.FromHexString(parent));
            }
            else
            {
                json.WriteNullValue();
            }
        }
    }

    private static void WriteStatus(Utf8JsonWriter json, SpanRow span)
    {
        json.WriteStartObject("status"u8);
        json.WriteString("code"u8, $"STATUS_CODE_{span.Status}");
        json.WriteString("message"u8, span.StatusMessage);
        json.WriteEndObject();
    }

    private static void WriteEvents(Utf8JsonWriter json, string? events)
    {
        if (events is null)
        {
            return;
        }

        using var document = JsonDocument.Parse(events, new JsonDocumentOptions { MaxDepth = 256 });
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            json.WriteStartObject();
            json.WriteString("name"u8, entry.GetProperty("name").GetString());
            json.WriteNumber("time_unix_nano"u8, entry.GetProperty("time_unix_nano").GetUInt64());
            json.WritePropertyName("attributes"u8);
            AttributeValues.WritePairs(json, entry.GetProperty("attributes"));
            json.WriteEndObject();
        }
    }
}
