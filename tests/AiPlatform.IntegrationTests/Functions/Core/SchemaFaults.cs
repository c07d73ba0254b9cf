using System.Text.Json;
using System.Text.RegularExpressions;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Finds schemas of an OpenAPI 3.1 document (JSON Schema 2020-12) that contradict themselves or lead nowhere.</summary>
internal static class SchemaFaults
{
    private static readonly string[] Types = ["null", "boolean", "object", "array", "number", "string", "integer"];
    private static readonly string[] OfObjects = ["properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"];
    private static readonly string[] OfArrays = ["items", "minItems", "maxItems", "uniqueItems", "prefixItems"];

    /// <summary>Looks through a document; gives how many schemas there are.</summary>
    public static int Find(JsonElement document, List<string> faults)
    {
        var count = 0;
        Walk(document, document, "#", inSchema: false, faults, ref count);
        return count;
    }

    private static void Walk(JsonElement document, JsonElement element, string path, bool inSchema, List<string> faults, ref int count)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var (index, item) in element.EnumerateArray().Index())
            {
                Walk(document, item, $"{path}/{index}", inSchema, faults, ref count);
            }
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        if (inSchema)
        {
            count++;
            Check(document, element, path, faults);
        }

        foreach (var member in element.EnumerateObject())
        {
            var at = $"{path}/{member.Name}";
            if (inSchema && member.Name is "enum" or "default" or "example" or "examples" or "const" or "discriminator")
            {
                continue;
            }

            var isMap = (inSchema && member.Name is "properties" or "patternProperties" or "$defs") || path == "#/components" && member.Name == "schemas";
            if (isMap)
            {
                foreach (var named in member.Value.EnumerateObject())
                {
                    Walk(document, named.Value, $"{at}/{named.Name}", inSchema: true, faults, ref count);
                }

                continue;
            }

            Walk(document, member.Value, at, inSchema || member.Name == "schema", faults, ref count);
        }
    }

    private static void Check(JsonElement document, JsonElement schema, string path, List<string> faults)
    {
        void Fault(bool isFault, string what)
        {
            if (isFault)
            {
                faults.Add($"{path}: {what}");
            }
        }

        bool Has(string name) => schema.TryGetProperty(name, out _);
        if (schema.TryGetProperty("$ref", out var reference))
        {
            Fault(!Resolves(document, reference.GetString()!), $"{reference} leads nowhere");
            return;
        }

        var types = !schema.TryGetProperty("type", out var type) ? [] : type.ValueKind == JsonValueKind.String ? [type.GetString()!] : type.EnumerateArray().Select(static item => item.GetString()!).ToArray();
        Fault(types.Except(Types).Any(), $"unknown type {string.Join(", ", types)}");
        Fault(types.Distinct().Count() != types.Length, "a type twice");
        Fault((Has("anyOf") || Has("oneOf")) && types.Contains("object") && !Has("properties"), "an object of alternatives that are none");
        Fault(types.Length > 0 && !types.Contains("object") && OfObjects.Any(Has), "what only objects have");
        Fault(types.Length > 0 && !types.Contains("array") && OfArrays.Any(Has), "what only lists have");
        Fault(types.Contains("array") && !Has("items") && !Has("prefixItems"), "a list of nobody knows what");
        Fault(types.Length > 0 && !types.Contains("string") && (Has("pattern") || Has("maxLength") || Has("minLength")), "what only texts have");
        if (schema.TryGetProperty("required", out var required))
        {
            var known = schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().Select(static property => property.Name).ToHashSet() : [];
            Fault(required.EnumerateArray().Any(name => !known.Contains(name.GetString()!)), "a required field that is not described");
        }

        if (schema.TryGetProperty("enum", out var values))
        {
            Fault(values.GetArrayLength() == 0, "an enumeration of nothing");
            Fault(types.Length > 0 && values.EnumerateArray().Any(value => !Is(value, types)), "an enumeration of values of another type");
        }

        if (schema.TryGetProperty("pattern", out var pattern))
        {
            Fault(Regex.Match(string.Empty, pattern.GetString()!, RegexOptions.None, TimeSpan.FromSeconds(1)) is null, "a pattern that is none");
        }

        if (schema.TryGetProperty("minimum", out var minimum) && schema.TryGetProperty("maximum", out var maximum))
        {
            Fault(minimum.GetDouble() > maximum.GetDouble(), "a minimum above the maximum");
        }
    }

    private static bool Is(JsonElement value, string[] types) => types.Contains(value.ValueKind switch
    {
        JsonValueKind.String => "string",
        JsonValueKind.Number => types.Contains("integer") ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Null => "null",
        JsonValueKind.Array => "array",
        _ => "object",
    });

    private static bool Resolves(JsonElement document, string reference)
    {
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var part in reference[2..].Split('/'))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (document.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index < document.GetArrayLength())
            {
                document = document[index];
            }
            else if (document.ValueKind != JsonValueKind.Object || !document.TryGetProperty(name, out document))
            {
                return false;
            }
        }

        return true;
    }
}
