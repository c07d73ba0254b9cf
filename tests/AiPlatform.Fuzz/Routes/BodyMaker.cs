using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Bodies that fit a schema or a sample, and then a few changes to them.</summary>
/// <param name="schemas">The schemas of the document.</param>
/// <param name="pool">Values that exist.</param>
internal sealed class BodyMaker(JsonElement schemas, ValuePool pool)
{
    private const int MaxDepth = 6;
    private const string Marker = "\u0001";

    /// <summary>A body for an operation.</summary>
    public string Make(RouteOperation operation, Random random)
    {
        var node = operation.Samples.Count > 0 && (operation.Schema is null || random.Next(2) == 0)
            ? Filled(operation.Samples[random.Next(operation.Samples.Count)], random)
            : operation.Schema is { } schema ? Of(schema, "body", MaxDepth, random) : new JsonObject();
        return Changed(node, random);
    }

    /// <summary>A copy of a sample with values for its names.</summary>
    public JsonNode? Filled(JsonNode? sample, Random random) => sample switch
    {
        JsonObject values => new JsonObject(values.Select(pair => KeyValuePair.Create(pair.Key, Filled(pair.Value, random)))),
        JsonArray items => new JsonArray([.. items.Select(item => Filled(item, random))]),
        JsonValue value when value.TryGetValue<string>(out var text) && text.StartsWith('$') => JsonValue.Create(pool.Find(text[1..], random) ?? "a"),
        _ => sample?.DeepClone(),
    };

    // A hostile value may be no JSON that a document can hold: it takes its place in the text.
    private static string Changed(JsonNode? node, Random random)
    {
        var raw = new List<string>();
        for (var changes = Math.Max(0, random.Next(6) - 2); changes > 0 && node is not null; changes--)
        {
            var (holders, places) = (new List<JsonNode>(), new List<object>());
            Collect(node, holders, places);
            if (holders.Count == 0)
            {
                break;
            }

            var at = random.Next(holders.Count);
            Change(holders[at], places[at], raw, random);
        }

        var text = node?.ToJsonString() ?? "null";
        foreach (var value in raw)
        {
            var at = text.IndexOf($"\"\\u0001\"", StringComparison.Ordinal);
            text = at < 0 ? text : string.Concat(text.AsSpan(0, at), value, text.AsSpan(at + 8));
        }

        return random.Next(25) == 0 ? Broken(text, random) : text;
    }

    private static void Change(JsonNode holder, object place, List<string> raw, Random random)
    {
        switch (random.Next(8))
        {
            case 0 when holder is JsonObject fields:
                fields.Remove((string)place);
                break;
            case 1 when holder is JsonObject fields:
                fields[$"unknown{random.Next(3)}"] = 1;
                break;
            case 2 when holder is JsonArray items && items.Count < 1_000:
                for (var i = random.Next(1, 50); i > 0; i--)
                {
                    items.Add(items[(int)place]?.DeepClone());
                }

                break;
            case 3 when holder is JsonObject fields && fields[(string)place] is { } kept:
                fields[(string)place] = new JsonArray(kept.DeepClone());
                break;
            default:
                raw.Add(HostileValues.Json(random));
                if (holder is JsonObject values)
                {
                    values[(string)place] = Marker;
                }
                else
                {
                    ((JsonArray)holder)[(int)place] = Marker;
                }

                break;
        }
    }

    private static string Broken(string text, Random random)
    {
        var bytes = new StringBuilder(text);
        var at = random.Next(bytes.Length);
        return random.Next(4) switch
        {
            0 => bytes.Remove(at, bytes.Length - at).ToString(),
            1 => bytes.Insert(at, (char)random.Next(1, 0x3000)).ToString(),
            2 => text + text,
            _ => "\uFEFF" + text,
        };
    }

    private static void Collect(JsonNode node, List<JsonNode> holders, List<object> places)
    {
        if (node is JsonObject fields)
        {
            foreach (var (name, value) in fields)
            {
                holders.Add(fields);
                places.Add(name);
                if (value is not null)
                {
                    Collect(value, holders, places);
                }
            }
        }
        else if (node is JsonArray items)
        {
            for (var i = 0; i < items.Count; i++)
            {
                holders.Add(items);
                places.Add(i);
                if (items[i] is { } item)
                {
                    Collect(item, holders, places);
                }
            }
        }
    }

    private JsonNode? Of(JsonElement schema, string name, int depth, Random random)
    {
        schema = Resolve(schema, random);
        if (schema.TryGetProperty("enum", out var values))
        {
            return JsonNode.Parse(values[random.Next(values.GetArrayLength())].GetRawText());
        }

        if (schema.TryGetProperty("properties", out var properties))
        {
            var required = schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(static entry => entry.GetString()!).ToHashSet(StringComparer.Ordinal) : [];
            var chosen = properties.EnumerateObject().Where(property => required.Contains(property.Name) || (depth > 1 && random.Next(3) == 0));
            return new JsonObject(chosen.Select(property => KeyValuePair.Create(property.Name, depth > 0 ? Of(property.Value, property.Name, depth - 1, random) : null)));
        }

        return TypeOf(schema) switch
        {
            "integer" => JsonValue.Create(random.Next(0, 4)),
            "number" => JsonValue.Create(random.Next(0, 8) / 4d),
            "boolean" => JsonValue.Create(random.Next(2) == 0),
            "array" => new JsonArray([.. Enumerable.Range(0, depth > 0 ? random.Next(0, 3) : 0).Select(_ => schema.TryGetProperty("items", out var items) ? Of(items, name.TrimEnd('s'), depth - 1, random) : null)]),
            "object" => schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind == JsonValueKind.Object && depth > 0
                ? new JsonObject([KeyValuePair.Create("key", Of(more, name, depth - 1, random))])
                : new JsonObject(),
            _ => JsonValue.Create(random.Next(5) switch
            {
                0 => $"n{random.Next(100_000)}",
                1 when schema.TryGetProperty("format", out var format) && format.GetString() == "date-time" => "2024-05-06T07:08:09Z",
                _ => pool.Find(name, random) ?? $"n{random.Next(100_000)}",
            }),
        };
    }

    private static string? TypeOf(JsonElement schema) => !schema.TryGetProperty("type", out var type) ? null
        : type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(static entry => entry.GetString()).First(static entry => entry != "null") : type.GetString();

    private JsonElement Resolve(JsonElement schema, Random random)
    {
        while (true)
        {
            if (schema.TryGetProperty("$ref", out var reference))
            {
                schema = schemas.GetProperty(reference.GetString()!.Split('/')[^1]);
            }
            else if (schema.TryGetProperty("oneOf", out var choices) || schema.TryGetProperty("anyOf", out choices))
            {
                schema = choices[random.Next(choices.GetArrayLength())];
            }
            else
            {
                return schema;
            }
        }
    }
}
