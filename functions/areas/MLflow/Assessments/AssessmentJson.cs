using System.Text.Json;
using AiPlatform.MLflow.Traces;
using AiPlatform.MLflow.Tracking;

namespace AiPlatform.MLflow.Assessments;

/// <summary>Writes assessments as MLflow's clients read them.</summary>
internal static class AssessmentJson
{
    public static void Write(Utf8JsonWriter json, AssessmentRow row)
    {
        json.WriteStartObject();
        json.WriteString("assessment_id"u8, row.Id);
        json.WriteString("assessment_name"u8, row.Name);
        json.WriteString("trace_id"u8, row.TraceId);
        Optional(json, "span_id", row.SpanId);
        json.WriteStartObject("source"u8);
        json.WriteString("source_type"u8, row.SourceType);
        json.WriteString("source_id"u8, row.SourceId);
        json.WriteEndObject();
        json.WriteString("create_time"u8, TraceJson.Time(row.CreatedAt));
        json.WriteString("last_update_time"u8, TraceJson.Time(row.UpdatedAt));
        WriteContent(json, row);
        Optional(json, "rationale", row.Rationale);
        json.WritePropertyName("metadata"u8);
        json.WriteRawValue(row.Metadata);
        Optional(json, "overrides", row.Overrides);
        json.WriteBoolean("valid"u8, row.Valid);
        json.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter json, AssessmentRow row)
    {
        if (row.Type == "issue")
        {
            json.WritePropertyName("issue"u8);
            json.WriteRawValue(row.Value ?? "{}");
            return;
        }

        json.WriteStartObject(row.Type);
        if (row.Type == "expectation" && row.Value is ['{' or '[', ..])
        {
            // Lists and objects travel as a text.
            json.WriteStartObject("serialized_value"u8);
            json.WriteString("serialization_format"u8, "JSON_FORMAT"u8);
            json.WriteString("value"u8, row.Value);
            json.WriteEndObject();
        }
        else if (row.Value is not null)
        {
            json.WritePropertyName("value"u8);
            json.WriteRawValue(row.Value);
        }

        if (row.Error is not null)
        {
            json.WritePropertyName("error"u8);
            json.WriteRawValue(row.Error);
        }

        json.WriteEndObject();
    }

    private static void Optional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
