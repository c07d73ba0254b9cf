using System.Text.Json;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Bodies of a schema of the OpenAPI document in which one value, wherever it lies, is a hostile one.</summary>
internal sealed class HostileJson(JsonElement schemas)
{
    private const int MaxDepth = 4;

    /// <summary>What PostgreSQL has no text or number for: a route that takes JSON refuses it whatever its field is.</summary>
    public static string[] Unstorable { get; } =
        ["\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83dx\"", "1e200000", "-1E+131000", "1e-131000", "[\"\\u0000\"]", "{\"\\u0000\":1}"];

    /// <summary>Sound JSON of the wrong shape.</summary>
    public static string[] Misshapen { get; } = ["null", "[null]", "[[null]]", "{\"a\":null}", "[{\"key\":null,\"value\":null}]", "\"\"", "-1", "9223372036854775808", "1e308", "true", "{}", "[]"];

    /// <summary>A body, what it contains, and where.</summary>
    public IEnumerable<(string Body, string Value, string Field)> Variants(JsonElement schema)
        => Inside(schema, "$", MaxDepth).Concat(Misshapen.Concat(Unstorable).Select(static value => (value, value, "$")));

    private IEnumerable<(string Body, string Value, string Field)> Inside(JsonElement schema, string field, int depth)
    {
        schema = Resolve(schema);
        if (depth == 0)
        {
            yield break;
        }

        if (schema.TryGetProperty("items", out var items))
        {
            foreach (var (body, value, place) in Each(items, field + "[]", depth))
            {
                yield return ($"[{body}]", value, place);
            }
        }
        else if (schema.TryGetProperty("properties", out var properties))
        {
            var sample = properties.EnumerateObject().Where(property => IsRequired(schema, property.Name)).ToDictionary(static property => property.Name, property => Sample(property.Value, depth - 1));
            foreach (var property in properties.EnumerateObject())
            {
                foreach (var (body, value, place) in Each(property.Value, $"{field}.{property.Name}", depth))
                {
                    yield return (Write(new Dictionary<string, string>(sample) { [property.Name] = body }), value, place);
                }
            }
        }
        else if (schema.TryGetProperty("additionalProperties", out var values) && values.ValueKind == JsonValueKind.Object)
        {
            foreach (var (body, value, place) in Each(values, field + ".*", depth))
            {
                yield return ($"{{\"a\":{body}}}", value, place);
            }
        }
    }

    private IEnumerable<(string Body, string Value, string Field)> Each(JsonElement schema, string field, int depth)
        => Misshapen.Concat(Unstorable).Select(value => (value, value, field)).Concat(Inside(schema, field, depth - 1));

    private string Sample(JsonElement schema, int depth)
    {
        schema = Resolve(schema);
        if (schema.TryGetProperty("enum", out var values))
        {
            return values[0].GetRawText();
        }

        if (schema.TryGetProperty("properties", out var properties))
        {
            return depth <= 0 ? "{}" : Write(properties.EnumerateObject().Where(property => IsRequired(schema, property.Name)).ToDictionary(static property => property.Name, property => Sample(property.Value, depth - 1)));
        }

        var type = schema.TryGetProperty("type", out var named) ? named.ValueKind == JsonValueKind.Array ? named.EnumerateArray().First(static entry => entry.GetString() != "null").GetString() : named.GetString() : null;
        return type switch
        {
            "integer" or "number" => "1",
            "boolean" => "false",
            "array" => schema.TryGetProperty("items", out var items) && depth > 0 ? $"[{Sample(items, depth - 1)}]" : "[]",
            "object" => "{}",
            "string" => "\"a\"",
            _ => "1",
        };
    }

    private JsonElement Resolve(JsonElement schema)
    {
        while (true)
        {
            if (schema.TryGetProperty("$ref", out var reference))
            {
                schema = schemas.GetProperty(reference.GetString()!.Split('/')[^1]);
            }
            else if ((schema.TryGetProperty("oneOf", out var choices) || schema.TryGetProperty("anyOf", out choices)) && choices.EnumerateArray().Any(static choice => choice.TryGetProperty("$ref", out _)))
            {
                schema = choices.EnumerateArray().First(static choice => choice.TryGetProperty("$ref", out _));
            }
            else
            {
                return schema;
            }
        }
    }

    private static bool IsRequired(JsonElement schema, string name)
        => schema.TryGetProperty("required", out var required) && required.EnumerateArray().Any(entry => entry.GetString() == name);

    private static string Write(Dictionary<string, string> properties) => "{" + string.Join(',', properties.Select(static pair => $"{JsonSerializer.Serialize(pair.Key)}:{pair.Value}")) + "}";
}
