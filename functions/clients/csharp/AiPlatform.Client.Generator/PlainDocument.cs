using System.Text.Json.Nodes;
using AiPlatform.Contracts;

namespace AiPlatform.Client.Generator;

/// <summary>The document with what generated methods can do: one request with JSON or nothing, answered with JSON or nothing.</summary>
/// <param name="Json">The document.</param>
/// <param name="Rests">Paths whose last parameter keeps its slashes, and how the client writes them.</param>
internal sealed record PlainDocument(string Json, IReadOnlyDictionary<string, string> Rests)
{
    private static readonly HashSet<string> Known = [.. typeof(ContractsJson).Assembly.GetTypes().Select(static type => type.Name.Split('`')[0])];

    // Records of the library that reads files, which clients do not have, and what the contracts call them.
    private static readonly Dictionary<string, string> Records = new(StringComparer.Ordinal) { ["RowDiff"] = "DatasetRowDiff" };

    /// <summary>Leaves out uploads, downloads, streams and what the client does by itself.</summary>
    public static PlainDocument From(string json)
    {
        var document = JsonNode.Parse(json)!;
        var rests = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (path, methods) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in methods!.AsObject().ToList())
            {
                if (!IsPlain(operation!["requestBody"]) || !operation["responses"]!.AsObject().All(static answer => answer.Key == "default" || IsPlain(answer.Value)))
                {
                    methods.AsObject().Remove(method);
                    continue;
                }

                RemoveYaml(operation);
                if (operation["requestBody"] is JsonObject body)
                {
                    body["x-name"] = "request";
                }

                foreach (var parameter in (operation["parameters"] as JsonArray ?? []).ToList())
                {
                    if ((string?)parameter!["name"] == "Idempotency-Key")
                    {
                        operation["parameters"]!.AsArray().Remove(parameter);
                    }
                    else if (parameter["x-multi-segment"] is not null)
                    {
                        rests[path.TrimStart('/')] = path.TrimStart('/').Replace($"{{{parameter["name"]}}}", $"{{+{parameter["name"]}}}", StringComparison.Ordinal);
                    }
                }
            }
        }

        var schemas = document["components"]!["schemas"]!.AsObject();
        foreach (var (name, record) in Records)
        {
            schemas[record] = schemas[name]!.DeepClone();
        }

        Simplify(document);
        return new PlainDocument(document.ToJsonString(), rests);
    }

    private static bool IsPlain(JsonNode? message) => message?["content"] is not JsonObject content || content.ContainsKey("application/json");

    private static void RemoveYaml(JsonNode operation)
    {
        foreach (var name in (operation["requestBody"]?["content"] as JsonObject ?? []).Select(static pair => pair.Key).Where(static name => name != "application/json").ToList())
        {
            operation["requestBody"]!["content"]!.AsObject().Remove(name);
        }
    }

    // A number that may be "NaN" is a double; a schema of which there is no record is any JSON.
    private static void Simplify(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject value:
                if (value["anyOf"] is JsonArray any && any.Any(static part => (string?)part?["type"] == "number"))
                {
                    value.Remove("anyOf");
                    value["type"] = "number";
                    value["format"] = "double";
                }

                if ((string?)(value["$ref"] as JsonValue) is { } reference && reference.Contains("/schemas/", StringComparison.Ordinal))
                {
                    var name = reference.Split('/')[^1];
                    name = Records.GetValueOrDefault(name, name);
                    value["$ref"] = $"#/components/schemas/{name}";
                    if (!Known.Contains(name.StartsWith("PageOf", StringComparison.Ordinal) ? name[6..] : name))
                    {
                        value["$ref"] = "#/components/schemas/JsonElement";
                    }
                }

                foreach (var (_, inner) in value.ToList())
                {
                    Simplify(inner);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Simplify(item);
                }

                break;
        }
    }
}
