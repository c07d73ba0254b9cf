using System.Globalization;
using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Assessments;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Tracking.Search.Index;

namespace AiPlatform.MLflow.Traces;

/// <summary>Writes traces as MLflow's clients read them.</summary>
internal static class TraceJson
{
    /// <summary>A <c>TraceInfoV3</c>.</summary>
    /// <param name="experimentId">As clients know it.</param>
    public static void WriteInfo(Utf8JsonWriter json, TraceRow trace, string experimentId, IEnumerable<AssessmentRow> assessments)
    {
        json.WriteStartObject();
        json.WriteString("trace_id"u8, trace.Id);
        Optional(json, "client_request_id", trace.ClientRequestId);
        json.WriteStartObject("trace_location"u8);
        json.WriteString("type"u8, "MLFLOW_EXPERIMENT"u8);
        json.WriteStartObject("mlflow_experiment"u8);
        json.WriteString("experiment_id"u8, experimentId);
        json.WriteEndObject();
        json.WriteEndObject();
        Optional(json, "request_preview", trace.RequestPreview);
        Optional(json, "response_preview", trace.ResponsePreview);
        json.WriteString("request_time"u8, Time(DateTimeOffset.FromUnixTimeMilliseconds(trace.StartedMs)));
        if (trace.DurationMs is { } duration)
        {
            json.WriteString("execution_duration"u8, $"{(duration < 0 ? "-" : string.Empty)}{Math.Abs(duration) / 1_000}.{Math.Abs(duration) % 1_000:D3}s");
        }

        json.WriteString("state"u8, trace.State);
        json.WritePropertyName("trace_metadata"u8);
        json.WriteRawValue(trace.Metadata);
        json.WritePropertyName("tags"u8);
        json.WriteRawValue(trace.Tags);
        json.WriteStartArray("assessments"u8);
        foreach (var assessment in assessments)
        {
            AssessmentJson.Write(json, assessment);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>A <c>TraceInfo</c> of MLflow 2.</summary>
    public static void WriteInfoV2(Utf8JsonWriter json, TraceRow trace, string experimentId)
    {
        json.WriteStartObject();
        json.WriteString("request_id"u8, trace.Id);
        json.WriteString("experiment_id"u8, experimentId);
        json.WriteNumber("timestamp_ms"u8, trace.StartedMs);
        if (trace.DurationMs is { } duration)
        {
            json.WriteNumber("execution_time_ms"u8, duration);
        }

        json.WriteString("status"u8, trace.State == "STATE_UNSPECIFIED" ? "TRACE_STATUS_UNSPECIFIED" : trace.State);
        RunJson.Pairs(json, "request_metadata", JsonTags.Read(trace.Metadata));
        RunJson.Pairs(json, "tags", JsonTags.Read(trace.Tags));
        json.WriteEndObject();
    }

    /// <summary>A time as protobuf writes it in JSON.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static void Optional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
