using AiPlatform.MLflow.Traces.Otlp;
using System.Globalization;
using System.Text.Json;
using AiPlatform.MLflow.Http;
using Google.Protobuf;

namespace AiPlatform.MLflow.Traces;

/// <summary>
/// Reads OTLP's JSON: protobuf's, but for ids, which are hexadecimal. Unknown fields are ignored, and a 64-bit number may be a text.
/// </summary>
internal static class OtlpJson
{
    /// <summary>The request that a document is.</summary>
    /// <exception cref="FormatException">A field has the wrong type.</exception>
    public static ExportTraceServiceRequest Read(JsonElement root)
    {
        var request = new ExportTraceServiceRequest();
        foreach (var resource in Items(root, "resourceSpans"))
        {
            var resourceSpans = new ResourceSpans();
            foreach (var scope in Items(resource, "scopeSpans"))
            {
                var scopeSpans = new ScopeSpans();
                scopeSpans.Spans.AddRange(Items(scope, "spans").Select(ReadSpan));
                resourceSpans.ScopeSpans.Add(scopeSpans);
            }

            request.ResourceSpans.Add(resourceSpans);
        }

        return request;
    }

    private static Span ReadSpan(JsonElement json)
    {
        var span = new Span
        {
            TraceId = Id(json, "traceId"),
            SpanId = Id(json, "spanId"),
            ParentSpanId = Id(json, "parentSpanId"),
            Name = Text(json, "name"),
            StartTimeUnixNano = Number(json, "startTimeUnixNano"),
            EndTimeUnixNano = Number(json, "endTimeUnixNano"),
        };
        span.Attributes.AddRange(Items(json, "attributes").Select(static pair => Pair(pair, 0)));
        span.Events.AddRange(Items(json, "events").Select(ReadEvent));
        if (Find(json, "status") is { ValueKind: JsonValueKind.Object } status)
        {
            span.Status = new Status { Message = Text(status, "message"), Code = Code(status) };
        }

        return span;
    }

    private static Span.Types.Event ReadEvent(JsonElement json)
    {
        var result = new Span.Types.Event { Name = Text(json, "name"), TimeUnixNano = Number(json, "timeUnixNano") };
        result.Attributes.AddRange(Items(json, "attributes").Select(static pair => Pair(pair, 0)));
        return result;
    }

    private static Status.Types.StatusCode Code(JsonElement status) => Find(status, "code") switch
    {
        null => Status.Types.StatusCode.Unset,
        { ValueKind: JsonValueKind.Number } code when code.TryGetInt32(out var number) => (Status.Types.StatusCode)number,
        { ValueKind: JsonValueKind.String } code => code.GetString() switch
        {
            "STATUS_CODE_OK" => Status.Types.StatusCode.Ok,
            "STATUS_CODE_ERROR" => Status.Types.StatusCode.Error,
            _ => Status.Types.StatusCode.Unset,
        },
        _ => throw new FormatException("code"),
    };

    private static KeyValue Pair(JsonElement json, int depth)
        => new() { Key = Text(json, "key"), Value = Find(json, "value") is { } value ? Value(value, depth + 1) : new AnyValue() };

    private static AnyValue Value(JsonElement json, int depth)
    {
        var result = new AnyValue();
        if (Find(json, "stringValue") is { } text)
        {
            result.StringValue = AsText(text, "stringValue");
        }
        else if (Find(json, "boolValue") is { } flag)
        {
            result.BoolValue = flag.ValueKind is JsonValueKind.True or JsonValueKind.False ? flag.GetBoolean() : throw new FormatException("boolValue");
        }
        else if (Find(json, "intValue") is { } number)
        {
            result.IntValue = AsNumber(number, "intValue");
        }
        else if (Find(json, "doubleValue") is { } real)
        {
            result.DoubleValue = AsDouble(real);
        }
        else if (Find(json, "arrayValue") is { } array)
        {
            result.ArrayValue = new ArrayValue();
            result.ArrayValue.Values.AddRange(Items(array, "values").Select(item => Value(item, depth + 1)));
        }
        else if (Find(json, "kvlistValue") is { } list)
        {
            result.KvlistValue = new KeyValueList();
            result.KvlistValue.Values.AddRange(Items(list, "values").Select(item => Pair(item, depth)));
        }
        else if (Find(json, "bytesValue") is { } bytes)
        {
            result.BytesValue = ByteString.FromBase64(AsText(bytes, "bytesValue"));
        }

        return result;
    }

    private static double AsDouble(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String => AsText(value, "doubleValue") switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            var text => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
        },
        _ => throw new FormatException("doubleValue"),
    };

    private static ByteString Id(JsonElement json, string name)
        => Find(json, name) is { } value ? ByteString.CopyFrom(Convert.FromHexString(AsText(value, name))) : ByteString.Empty;

    private static string Text(JsonElement json, string name) => Find(json, name) is { } value ? AsText(value, name) : string.Empty;

    private static ulong Number(JsonElement json, string name) => Find(json, name) switch
    {
        null => 0,
        { ValueKind: JsonValueKind.Number } value when value.TryGetUInt64(out var number) => number,
        { ValueKind: JsonValueKind.String } value when ulong.TryParse(AsText(value, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw new FormatException(name),
    };

    private static long AsNumber(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetInt64(out var number) => number,
        JsonValueKind.String when long.TryParse(AsText(value, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw new FormatException(name),
    };

    private static string AsText(JsonElement value, string name)
        => value.ValueKind == JsonValueKind.String ? JsonTexts.Read(value) ?? throw new FormatException(name) : throw new FormatException(name);

    private static List<JsonElement> Items(JsonElement json, string name) => Find(json, name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray()],
        _ => throw new FormatException(name),
    };

    private static JsonElement? Find(JsonElement json, string name)
        => json.ValueKind != JsonValueKind.Object ? throw new FormatException(name)
            : json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
