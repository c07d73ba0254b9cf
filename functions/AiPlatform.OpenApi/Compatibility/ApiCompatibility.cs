using System.Text.Json.Nodes;

namespace AiPlatform.OpenApi.Compatibility;

/// <summary>
/// Finds what a client of one document would notice if it met the other. New operations, new optional parameters and properties, and new
/// values of enumerations in answers are no breaks: clients take what they do not know.
/// </summary>
public sealed class ApiCompatibility
{
    private static readonly string[] Methods = ["get", "put", "post", "patch", "delete", "head", "options"];
    private readonly List<ApiBreak> _breaks = [];
    private readonly JsonNode _released;
    private readonly JsonNode _current;
    private readonly SchemaCompatibility _schemas;

    private ApiCompatibility(JsonNode released, JsonNode current)
    {
        (_released, _current) = (released, current);
        _schemas = new SchemaCompatibility(released, current, _breaks);
    }

    /// <summary>The breaks between a released document and the current one, each once, in order.</summary>
    public static IReadOnlyList<ApiBreak> Find(JsonNode released, JsonNode current)
    {
        ArgumentNullException.ThrowIfNull(released);
        ArgumentNullException.ThrowIfNull(current);
        var comparison = new ApiCompatibility(released, current);
        comparison.ComparePaths();
        comparison.CompareNames();
        return [.. comparison._breaks.Distinct().OrderBy(static found => found.ToString(), StringComparer.Ordinal)];
    }

    // A generated client has a type of each name.
    private void CompareNames()
    {
        foreach (var (name, _) in _released["components"]?["schemas"] as JsonObject ?? [])
        {
            if (_current["components"]?["schemas"]?[name] is null)
            {
                _breaks.Add(new ApiBreak("schema-removed", name));
            }
        }
    }

    private void ComparePaths()
    {
        foreach (var (path, methods) in _released["paths"] as JsonObject ?? [])
        {
            foreach (var method in Methods)
            {
                if (methods?[method] is not { } released)
                {
                    continue;
                }

                var place = $"{method.ToUpperInvariant()} {path}";
                if (_current["paths"]?[path]?[method] is { } current)
                {
                    CompareOperation(place, released, current);
                }
                else
                {
                    _breaks.Add(new ApiBreak("operation-removed", place));
                }
            }
        }
    }

    private void CompareOperation(string place, JsonNode released, JsonNode current)
    {
        if (Text(released, "operationId") is { } id && Text(current, "operationId") != id)
        {
            _breaks.Add(new ApiBreak("operation-renamed", $"{place} {id}"));
        }

        CompareParameters(place, Parameters(released), Parameters(current));
        CompareBody(place, released["requestBody"], current["requestBody"]);
        CompareAnswers(place, released["responses"], current["responses"]);
    }

    private void CompareParameters(string place, Dictionary<string, JsonNode> released, Dictionary<string, JsonNode> current)
    {
        foreach (var (name, old) in released)
        {
            if (!current.TryGetValue(name, out var now))
            {
                _breaks.Add(new ApiBreak("parameter-removed", $"{place} {name}"));
                continue;
            }

            if (IsRequired(now) && !IsRequired(old))
            {
                _breaks.Add(new ApiBreak("parameter-required", $"{place} {name}"));
            }

            _schemas.CompareRequest($"{place} {name}", old["schema"], now["schema"]);
        }

        foreach (var (name, _) in current.Where(pair => IsRequired(pair.Value) && !released.ContainsKey(pair.Key)))
        {
            _breaks.Add(new ApiBreak("parameter-required", $"{place} {name}"));
        }
    }

    private void CompareBody(string place, JsonNode? released, JsonNode? current)
    {
        if (IsRequired(current) && !IsRequired(released))
        {
            _breaks.Add(new ApiBreak("body-required", place));
        }

        foreach (var (type, media) in released?["content"] as JsonObject ?? [])
        {
            if (current?["content"]?[type] is { } now)
            {
                _schemas.CompareRequest($"{place} request", media?["schema"], now["schema"]);
            }
            else
            {
                _breaks.Add(new ApiBreak("request-type-removed", $"{place} {type}"));
            }
        }
    }

    private void CompareAnswers(string place, JsonNode? released, JsonNode? current)
    {
        foreach (var (status, answer) in released as JsonObject ?? [])
        {
            if (SchemaCompatibility.Resolve(_current, current?[status]) is not { } now)
            {
                _breaks.Add(new ApiBreak("answer-removed", $"{place} {status}"));
                continue;
            }

            foreach (var (type, media) in SchemaCompatibility.Resolve(_released, answer)?["content"] as JsonObject ?? [])
            {
                if (now["content"]?[type] is { } content)
                {
                    _schemas.CompareAnswer($"{place} {status}", media?["schema"], content["schema"]);
                }
                else
                {
                    _breaks.Add(new ApiBreak("answer-type-removed", $"{place} {status} {type}"));
                }
            }
        }
    }

    private static Dictionary<string, JsonNode> Parameters(JsonNode operation)
        => (operation["parameters"] as JsonArray ?? []).OfType<JsonNode>().ToDictionary(static parameter => $"{Text(parameter, "in")}:{Text(parameter, "name")}", StringComparer.Ordinal);

    private static bool IsRequired(JsonNode? node) => node?["required"] is JsonValue value && value.GetValue<bool>();

    private static string? Text(JsonNode node, string name) => (string?)node[name];
}
