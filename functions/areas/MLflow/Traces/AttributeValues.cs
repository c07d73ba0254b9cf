using AiPlatform.MLflow.Traces.Otlp;
using System.Text;
using System.Text.Json;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;

namespace AiPlatform.MLflow.Traces;

/// <summary>Values of attributes: OpenTelemetry's, and MLflow's form of them, which is the JSON of the value as a text.</summary>
internal static class AttributeValues
{
    private static readonly JsonWriterOptions Writing = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    // Deeper than what a protobuf message may nest.
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 256 };

    /// <summary>The JSON of a value.</summary>
    public static string Dump(AnyValue? value) => Json(writer => Write(writer, value));

    /// <summary>What <paramref name="write"/> writes, as a text.</summary>
    public static string Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new PooledBuffer();
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.Written.Span);
    }

    /// <summary>Writes a value as JSON.</summary>
    public static void Write(Utf8JsonWriter writer, AnyValue? value)
    {
        switch (value?.ValueCase)
        {
            case AnyValue.ValueOneofCase.StringValue:
                writer.WriteStringValue(value.StringValue);
                break;
            case AnyValue.ValueOneofCase.BoolValue:
                writer.WriteBooleanValue(value.BoolValue);
                break;
            case AnyValue.ValueOneofCase.IntValue:
                writer.WriteNumberValue(value.IntValue);
                break;
            case AnyValue.ValueOneofCase.DoubleValue when double.IsFinite(value.DoubleValue):
                writer.WriteNumberValue(value.DoubleValue);
                break;
            case AnyValue.ValueOneofCase.DoubleValue:
                writer.WriteStringValue(double.IsNaN(value.DoubleValue) ? "NaN" : value.DoubleValue > 0 ? "Infinity" : "-Infinity");
                break;
            case AnyValue.ValueOneofCase.BytesValue:
                writer.WriteBase64StringValue(value.BytesValue.Span);
                break;
            case AnyValue.ValueOneofCase.ArrayValue:
                writer.WriteStartArray();
                foreach (var item in value.ArrayValue.Values)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case AnyValue.ValueOneofCase.KvlistValue:
                WriteObject(writer, value.KvlistValue.Values);
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    /// <summary>Writes a list of key and value as an object; of a key that is there twice the last one counts.</summary>
    public static void WriteObject(Utf8JsonWriter writer, IReadOnlyCollection<KeyValue> pairs)
    {
        var last = new Dictionary<string, AnyValue?>(pairs.Count, StringComparer.Ordinal);
        foreach (var pair in pairs)
        {
            last[pair.Key] = pair.Value;
        }

        writer.WriteStartObject();
        foreach (var (key, value) in last)
        {
            writer.WritePropertyName(key);
            Write(writer, value);
        }

        writer.WriteEndObject();
    }

    /// <summary>Reads a dumped value; null when it is not JSON.</summary>
    public static JsonDocument? Parse(string dumped)
    {
        try
        {
            var document = JsonDocument.Parse(dumped, Reading);
            if (JsonTexts.AreSound(document.RootElement))
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            // Whoever wrote the attribute without MLflow's help wrote a plain text.
            return null;
        }
    }

    /// <summary>A dumped value as a text: that of a JSON string, else the JSON.</summary>
    public static string Text(string dumped)
    {
        if (!dumped.StartsWith('"'))
        {
            return dumped;
        }

        using var document = Parse(dumped);
        return document is { RootElement.ValueKind: JsonValueKind.String } ? document.RootElement.GetString()! : dumped;
    }

    /// <summary>Writes a dumped value as an <c>AnyValue</c> of OTLP, with the names of its fields as MLflow writes them.</summary>
    public static void WriteAny(Utf8JsonWriter writer, string dumped)
    {
        using var document = Parse(dumped);
        if (document is null)
        {
            writer.WriteStartObject();
            writer.WriteString("string_value"u8, dumped);
            writer.WriteEndObject();
            return;
        }

        WriteAny(writer, document.RootElement);
    }

    /// <summary>Writes JSON as an <c>AnyValue</c> of OTLP.</summary>
    public static void WriteAny(Utf8JsonWriter writer, JsonElement value)
    {
        writer.WriteStartObject();
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                writer.WriteString("string_value"u8, value.GetString());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.WriteBoolean("bool_value"u8, value.GetBoolean());
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var number):
                writer.WriteNumber("int_value"u8, number);
                break;
            case JsonValueKind.Number when value.TryGetDouble(out var real) && double.IsFinite(real):
                writer.WriteNumber("double_value"u8, real);
                break;
            case JsonValueKind.Number:
                writer.WriteString("string_value"u8, value.GetRawText());
                break;
            case JsonValueKind.Array:
                writer.WriteStartObject("array_value"u8);
                writer.WriteStartArray("values"u8);
                foreach (var item in value.EnumerateArray())
                {
                    WriteAny(writer, item);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject("kvlist_value"u8);
                writer.WritePropertyName("values"u8);
                WritePairs(writer, value);
                writer.WriteEndObject();
                break;
            default:
                break;
        }

        writer.WriteEndObject();
    }

    /// <summary>Writes an object as a list of <c>KeyValue</c>.</summary>
    public static void WritePairs(Utf8JsonWriter writer, JsonElement value)
    {
        writer.WriteStartArray();
        foreach (var property in value.EnumerateObject())
        {
            writer.WriteStartObject();
            writer.WriteString("key"u8, property.Name);
            writer.WritePropertyName("value"u8);
            WriteAny(writer, property.Value);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
