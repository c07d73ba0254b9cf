using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.MLflow.Traces;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>The schema of a dataset: which fields its records have, and the type of each as it was first seen.</summary>
internal static class EvaluationSchema
{
    private const int MaxFields = 1_000;

    /// <summary>A schema with what these records add.</summary>
    /// <param name="schema">JSON; null when there is none yet.</param>
    public static string Add(string? schema, IEnumerable<EvaluationRecord> records)
    {
        var result = Parse(schema) ?? new JsonObject { ["inputs"] = new JsonObject(), ["outputs"] = new JsonObject(), ["expectations"] = new JsonObject(), ["version"] = "1.0" };
        foreach (var record in records)
        {
            Add(result, "inputs", record.Inputs);
            Add(result, "outputs", record.Outputs);
            Add(result, "expectations", record.Expectations);
        }

        return result.ToJsonString();
    }

    private static JsonObject? Parse(string? schema)
    {
        using var document = schema is null ? null : AttributeValues.Parse(schema);
        return document is { RootElement.ValueKind: JsonValueKind.Object } ? JsonObject.Create(document.RootElement.Clone()) : null;
    }

    private static void Add(JsonObject schema, string part, string? value)
    {
        if (value is null || (schema[part] ??= new JsonObject()) is not JsonObject fields)
        {
            return;
        }

        using var document = AttributeValues.Parse(value);
        if (document is not { RootElement.ValueKind: JsonValueKind.Object })
        {
            return;
        }

        foreach (var property in document.RootElement.EnumerateObject().Where(property => fields.Count < MaxFields && !fields.ContainsKey(property.Name)))
        {
            fields[property.Name] = property.Value.ValueKind switch
            {
                JsonValueKind.String => "string",
                JsonValueKind.True or JsonValueKind.False => "boolean",
                JsonValueKind.Number => property.Value.TryGetInt64(out _) ? "integer" : "float",
                JsonValueKind.Array => "array",
                JsonValueKind.Object => "object",
                _ => "null",
            };
        }
    }
}
