using AiPlatform.MLflow.Traces.Otlp;
using AiPlatform.Ports.MLflow;
using Google.Protobuf;

namespace AiPlatform.MLflow.Traces;

/// <summary>Makes stored spans of OTLP's.</summary>
internal static class OtlpSpans
{
    private const int MaxName = 10_000;

    /// <summary>The span; its trace is the one that MLflow's attribute names, else the one of its OpenTelemetry id.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE, with 422.</exception>
    public static SpanRecord Read(Span span)
    {
        if (span.TraceId.Length != 16 || span.SpanId.Length != 8 || span.ParentSpanId.Length is not (0 or 8) || IsZero(span.TraceId) || IsZero(span.SpanId))
        {
            throw Wrong("its ids are not valid");
        }

        if (span.StartTimeUnixNano > long.MaxValue || span.EndTimeUnixNano > long.MaxValue)
        {
            throw Wrong("its times are not valid");
        }

        var attributes = new Dictionary<string, string>(span.Attributes.Count, StringComparer.Ordinal);
        foreach (var pair in span.Attributes)
        {
            attributes[pair.Key.Replace('\0', '\uFFFD')] = AttributeValues.Dump(pair.Value);
        }

        var otel = Hex(span.TraceId);
        var trace = attributes.TryGetValue(SpanKeys.TraceId, out var named) ? AttributeValues.Text(AttributeValues.Text(named)) : $"tr-{otel}";
        attributes[SpanKeys.TraceId] = $"\"{TraceIds.Checked(trace)}\"";
        SpanDialects.Translate(attributes);
        return new SpanRecord
        {
            TraceId = trace,
            OtelTraceId = otel,
            Id = Hex(span.SpanId),
            ParentId = span.ParentSpanId.Length == 0 || IsZero(span.ParentSpanId) ? null : Hex(span.ParentSpanId),
            Name = Text(span.Name),
            Status = span.Status?.Code switch
            {
                Status.Types.StatusCode.Ok => "OK",
                Status.Types.StatusCode.Error => "ERROR",
                _ => "UNSET",
            },
            StatusMessage = Text(span.Status?.Message ?? string.Empty),
            StartedNs = (long)span.StartTimeUnixNano,
            EndedNs = span.EndTimeUnixNano == 0 ? null : (long)span.EndTimeUnixNano,
            Attributes = attributes,
            Events = Events(span),
        };
    }

    private static string? Events(Span span) => span.Events.Count == 0 ? null : AttributeValues.Json(json =>
    {
        json.WriteStartArray();
        foreach (var entry in span.Events)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, entry.Name);
            json.WriteNumber("time_unix_nano"u8, entry.TimeUnixNano);
            json.WritePropertyName("attributes"u8);
            AttributeValues.WriteObject(json, entry.Attributes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Text(string text) => TraceTexts.Column(text, MaxName);

    private static string Hex(ByteString id) => Convert.ToHexStringLower(id.Span);

    private static bool IsZero(ByteString id) => !id.Span.ContainsAnyExcept((byte)0);

    private static MLflowException Wrong(string reason)
        => new(MLflowException.InvalidParameterValue, $"Cannot convert OpenTelemetry span to MLflow span: {reason}")
        {
            OwnStatus = StatusCodes.Status422UnprocessableEntity,
        };
}
