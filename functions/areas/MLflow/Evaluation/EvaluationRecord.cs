using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Traces;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>A record of an evaluation dataset: inputs, which make it what it is, and what is known about them. All are JSON.</summary>
internal sealed record EvaluationRecord
{
    private const int MaxRecords = 10_000;

    public const string Columns = "r.id, r.input_hash, r.inputs, r.outputs, r.expectations, r.tags, r.source, r.created_by, r.updated_by, r.created_at, r.updated_at";

    public required string Id { get; init; }

    /// <summary>SHA-256 of the inputs with their keys in order.</summary>
    public required byte[] InputHash { get; init; }

    public required string Inputs { get; init; }

    public string? Outputs { get; init; }

    public string? Expectations { get; init; }

    public string? Tags { get; init; }

    public string? Source { get; init; }

    public string? CreatedBy { get; init; }

    public string? UpdatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Reads the records that a client sent; times and ids are not theirs to say.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static IReadOnlyList<EvaluationRecord> ReadAll(JsonDocument? sent)
    {
        if (sent is not { RootElement.ValueKind: JsonValueKind.Array })
        {
            throw MLflowException.Invalid("Invalid records: a JSON list is expected.");
        }

        return sent.RootElement.GetArrayLength() <= MaxRecords
            ? [.. sent.RootElement.EnumerateArray().Select(Read)]
            : throw MLflowException.Invalid($"A request can contain at most {MaxRecords} records. Got {sent.RootElement.GetArrayLength()}.");
    }

    /// <summary>This record after the same inputs were sent again: outputs are replaced, expectations and tags are added.</summary>
    public EvaluationRecord Merge(EvaluationRecord sent, bool hasOutputs) => this with
    {
        Outputs = hasOutputs ? sent.Outputs : Outputs,
        Expectations = Merge(Expectations, sent.Expectations),
        Tags = Merge(Tags, sent.Tags),
        UpdatedBy = sent.CreatedBy ?? UpdatedBy,
        UpdatedAt = sent.UpdatedAt,
    };

    /// <summary>Writes a record as clients read it.</summary>
    public static void Write(Utf8JsonWriter json, string datasetId, EvaluationRecord row)
    {
        json.WriteStartObject();
        json.WriteString("dataset_record_id"u8, row.Id);
        json.WriteString("dataset_id"u8, datasetId);
        Raw(json, "inputs", row.Inputs);
        Raw(json, "outputs", row.Outputs);
        Raw(json, "expectations", row.Expectations);
        Raw(json, "tags", row.Tags);
        Raw(json, "source", row.Source);
        if (row.Source is not null)
        {
            WriteSource(json, row.Source);
        }

        json.WriteNumber("created_time"u8, row.CreatedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("last_update_time"u8, row.UpdatedAt.ToUnixTimeMilliseconds());
        if (row.CreatedBy is not null)
        {
            json.WriteString("created_by"u8, row.CreatedBy);
        }

        if (row.UpdatedBy is not null)
        {
            json.WriteString("last_updated_by"u8, row.UpdatedBy);
        }

        json.WriteEndObject();
    }

    private static EvaluationRecord Read(JsonElement sent)
    {
        if (sent.ValueKind != JsonValueKind.Object)
        {
            throw MLflowException.Invalid("Invalid records: an object is expected for each.");
        }

        var inputs = Find(sent, "inputs");
        if (inputs is { ValueKind: not JsonValueKind.Object })
        {
            throw MLflowException.Invalid("Invalid records: inputs must be an object.");
        }

        var tags = Object(sent, "tags");
        return new EvaluationRecord
        {
            Id = string.Empty,
            InputHash = SHA256.HashData(Encoding.UTF8.GetBytes(inputs is { } value ? AttributeValues.Json(json => WriteSorted(json, value)) : "{}")),
            Inputs = inputs?.GetRawText() ?? "{}",
            Outputs = Find(sent, "outputs")?.GetRawText(),
            Expectations = Object(sent, "expectations")?.GetRawText(),
            Tags = tags?.GetRawText(),
            Source = Find(sent, "source") is { ValueKind: JsonValueKind.Object } source ? source.GetRawText() : null,
            CreatedBy = tags is { } map && Find(map, "mlflow.user") is { ValueKind: JsonValueKind.String } user ? MLflowCall.AsText(user, "mlflow.user") : null,
        };
    }

    // {"source_type", "source_data"}: what a list of records shows of it.
    private static void WriteSource(Utf8JsonWriter json, string source)
    {
        using var document = JsonDocument.Parse(source);
        if (Find(document.RootElement, "source_type") is { ValueKind: JsonValueKind.String } type)
        {
            json.WriteString("source_type"u8, type.GetString());
        }

        if (Find(document.RootElement, "source_data") is { ValueKind: JsonValueKind.Object } data
            && (Find(data, "trace_id") ?? Find(data, "source_id")) is { ValueKind: JsonValueKind.String } id)
        {
            json.WriteString("source_id"u8, id.GetString());
        }
    }

    private static string? Merge(string? old, string? sent)
    {
        if (old is null || sent is null)
        {
            return sent ?? old;
        }

        using var first = JsonDocument.Parse(old);
        using var second = JsonDocument.Parse(sent);
        var merged = first.RootElement.EnumerateObject().Concat(second.RootElement.EnumerateObject()).GroupBy(static property => property.Name, StringComparer.Ordinal);
        return AttributeValues.Json(json =>
        {
            json.WriteStartObject();
            foreach (var property in merged)
            {
                json.WritePropertyName(property.Key);
                property.Last().Value.WriteTo(json);
            }

            json.WriteEndObject();
        });
    }

    private static void WriteSorted(Utf8JsonWriter json, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject().OrderBy(static property => property.Name, StringComparer.Ordinal))
                {
                    json.WritePropertyName(property.Name);
                    WriteSorted(json, property.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    WriteSorted(json, item);
                }

                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private static JsonElement? Object(JsonElement sent, string name) => Find(sent, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => value,
        _ => throw MLflowException.Invalid($"Invalid records: {name} must be an object."),
    };

    private static void Raw(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
    }

    private static JsonElement? Find(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
