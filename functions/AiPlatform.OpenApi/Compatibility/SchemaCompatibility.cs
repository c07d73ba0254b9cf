using System.Text.Json;
using System.Text.Json.Nodes;

namespace AiPlatform.OpenApi.Compatibility;

/// <summary>
/// Compares schemas. What clients send must still be taken, so a request may only ask for less and take more; what they receive must
/// still be what they know, so an answer may only have more and promise more.
/// </summary>
internal sealed class SchemaCompatibility(JsonNode released, JsonNode current, List<ApiBreak> breaks)
{
    private static readonly string[] Limits = ["format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"];
    private readonly HashSet<(bool Request, string Old, string Now)> _seen = [];

    /// <summary>Compares what clients send.</summary>
    public void CompareRequest(string place, JsonNode? old, JsonNode? now) => Compare(place, old, now, request: true);

    /// <summary>Compares what clients receive.</summary>
    public void CompareAnswer(string place, JsonNode? old, JsonNode? now) => Compare(place, old, now, request: false);

    /// <summary>What a reference leads to; the node itself where it is none.</summary>
    public static JsonNode? Resolve(JsonNode document, JsonNode? node)
        => (node as JsonObject)?["$ref"] is JsonValue reference
            ? reference.GetValue<string>().TrimStart('#', '/').Split('/').Aggregate((JsonNode?)document, static (found, step) => found?[step])
            : node;

    private void Compare(string place, JsonNode? old, JsonNode? now, bool request)
    {
        // Named schemas are compared once, under their names, and may contain themselves.
        if (Reference(old) is { } oldName && Reference(now) is { } nowName)
        {
            if (!_seen.Add((request, oldName, nowName)))
            {
                return;
            }

            place = oldName;
        }

        if (Resolve(released, old) is not JsonObject before || Resolve(current, now) is not JsonObject after)
        {
            if (old is not null)
            {
                breaks.Add(new ApiBreak("type-changed", place));
            }

            return;
        }

        CompareTypes(place, before, after, request);
        CompareEnum(place, before, after, request);
        CompareProperties(place, before, after, request);
        CompareParts(place, before, after, request);
        foreach (var limit in Limits.Where(limit => !JsonNode.DeepEquals(before[limit], after[limit]) && (after[limit] is not null || !request)))
        {
            breaks.Add(new ApiBreak($"{limit}-changed", place));
        }
    }

    private void CompareTypes(string place, JsonObject before, JsonObject after, bool request)
    {
        var (old, now) = (Types(before), Types(after));
        if (request ? now.Count > 0 && !Takes(now, old) : old.Count > 0 && (now.Count == 0 || !Takes(old, now)))
        {
            breaks.Add(new ApiBreak("type-changed", place));
        }
    }

    // An integer is a number.
    private static bool Takes(HashSet<string> taken, HashSet<string> given)
        => given.Count > 0 && given.All(type => taken.Contains(type) || (type == "integer" && taken.Contains("number")));

    private void CompareEnum(string place, JsonObject before, JsonObject after, bool request)
    {
        var (old, now) = (Values(before), Values(after));
        if (old is null && now is not null && request)
        {
            breaks.Add(new ApiBreak("enum-added", place));
        }

        // A value that no answer has any more is still a name in the source of generated clients.
        foreach (var value in (old ?? []).Where(value => now is not null && !now.Contains(value)))
        {
            breaks.Add(new ApiBreak("enum-value-removed", $"{place} {value}"));
        }
    }

    private void CompareProperties(string place, JsonObject before, JsonObject after, bool request)
    {
        var (required, nowRequired) = (Required(before), Required(after));
        foreach (var (name, old) in before["properties"] as JsonObject ?? [])
        {
            if (after["properties"]?[name] is not { } now)
            {
                breaks.Add(new ApiBreak("property-removed", $"{place}.{name}"));
                continue;
            }

            if (request ? nowRequired.Contains(name) && !required.Contains(name) : required.Contains(name) && !nowRequired.Contains(name))
            {
                breaks.Add(new ApiBreak(request ? "property-required" : "property-optional", $"{place}.{name}"));
            }

            Compare($"{place}.{name}", old, now, request);
        }

        foreach (var name in nowRequired.Where(name => request && before["properties"]?[name] is null))
        {
            breaks.Add(new ApiBreak("property-required", $"{place}.{name}"));
        }
    }

    private void CompareParts(string place, JsonObject before, JsonObject after, bool request)
    {
        foreach (var part in (string[])["items", "additionalProperties"])
        {
            if (before[part] is JsonObject old)
            {
                Compare($"{place}[]", old, after[part], request);
            }
        }

        foreach (var kind in (string[])["anyOf", "oneOf", "allOf"])
        {
            var (old, now) = (Alternatives(before, kind), Alternatives(after, kind));
            for (var i = 0; i < Math.Min(old.Count, now.Count); i++)
            {
                Compare(place, old[i], now[i], request);
            }

            if (old.Count != now.Count && (request ? now.Count < old.Count || old.Count == 0 : now.Count > old.Count || now.Count == 0))
            {
                breaks.Add(new ApiBreak("type-changed", place));
            }
        }
    }

    private static List<JsonNode?> Alternatives(JsonObject schema, string kind)
        => [.. (schema[kind] as JsonArray ?? []).OrderBy(static alternative => alternative?.ToJsonString(), StringComparer.Ordinal)];

    private static HashSet<string> Types(JsonObject schema) => schema["type"] switch
    {
        JsonArray types => [.. types.Select(static type => (string)type!)],
        JsonValue type => [type.GetValue<string>()],
        _ => [],
    };

    private static HashSet<string>? Values(JsonObject schema)
        => schema["enum"] is JsonArray values ? [.. values.Where(static value => value is not null).Select(static value => value!.ToJsonString(JsonSerializerOptions.Default).Trim('"'))] : null;

    private static HashSet<string> Required(JsonObject schema) => [.. (schema["required"] as JsonArray ?? []).Select(static name => (string)name!)];

    private static string? Reference(JsonNode? node) => ((string?)(node as JsonObject)?["$ref"])?.Split('/')[^1];
}
