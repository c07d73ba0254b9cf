using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AiPlatform.Functions;
using Microsoft.AspNetCore.Routing;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Every operation of the API: those of the OpenAPI document, and what the app maps besides, such as MLflow's routes.</summary>
internal sealed partial class RouteCatalog
{
    private RouteCatalog(IReadOnlyList<RouteOperation> operations, JsonElement schemas) => (Operations, Schemas) = (operations, schemas);

    /// <summary>The operations.</summary>
    public IReadOnlyList<RouteOperation> Operations { get; }

    /// <summary>The schemas that they refer to.</summary>
    public JsonElement Schemas { get; }

    /// <summary>Asks a platform what it has.</summary>
    public static async Task<RouteCatalog> LoadAsync(HttpClient http)
    {
        using var document = JsonDocument.Parse(await http.GetStringAsync("/openapi/v1.json"));
        var root = document.RootElement.Clone();
        var samples = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Routes", "samples.jsonl")).Where(static line => line.Length > 0)
            .Select(static line => JsonNode.Parse(line)!).ToLookup(static sample => (string)sample["route"]!, static sample => sample["with"]!, StringComparer.Ordinal);
        var operations = new Dictionary<string, RouteOperation>(StringComparer.Ordinal);
        foreach (var path in root.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject().Where(static operation => operation.Value.ValueKind == JsonValueKind.Object && operation.Value.TryGetProperty("responses", out _)))
            {
                var found = new RouteOperation(operation.Name.ToUpperInvariant(), path.Name, Queries(operation.Value), Body(operation.Value), [.. samples[$"{operation.Name.ToUpperInvariant()} {path.Name}"]]);
                operations[$"{found.Method} {found.Pattern}"] = found;
            }
        }

        foreach (var (method, pattern) in Mapped())
        {
            operations.TryAdd($"{method} {pattern}", new RouteOperation(method, pattern, [], null, [.. samples[$"{method} {pattern}"]]));
        }

        return new RouteCatalog([.. operations.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => pair.Value)], root.GetProperty("components").GetProperty("schemas"));
    }

    // The app is built and not started: it says what it maps and reaches no server.
    private static List<(string Method, string Pattern)> Mapped()
    {
        var app = FunctionsApp.Build(
            [
                "--urls=http://127.0.0.1:0", "--ConnectionStrings:Postgres=Host=127.0.0.1;Port=1", "--ConnectionStrings:Blob=UseDevelopmentStorage=true", "--ConnectionStrings:Redis=127.0.0.1:1,abortConnect=false",
                "--ConnectionStrings:TaskHub=Endpoint=http://127.0.0.1:1;TaskHub=default;Authentication=None", $"--Identity:SigningKey={Convert.ToBase64String(new byte[48])}",
            ]);
        return
        [
            .. ((IEndpointRouteBuilder)app).DataSources.SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>()
                .SelectMany(static endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => (method, Plain(endpoint.RoutePattern.RawText!)))),
        ];
    }

    private static string Plain(string pattern)
    {
        var path = Parameter().Replace(pattern, "{${name}}");
        return "/" + path.Trim('/');
    }

    private static string[] Queries(JsonElement operation) => operation.TryGetProperty("parameters", out var parameters)
        ? [.. parameters.EnumerateArray().Where(static parameter => parameter.TryGetProperty("in", out var place) && place.GetString() == "query").Select(static parameter => parameter.GetProperty("name").GetString()!)]
        : [];

    private static JsonElement? Body(JsonElement operation)
        => operation.TryGetProperty("requestBody", out var body) && body.GetProperty("content").TryGetProperty("application/json", out var json) && json.TryGetProperty("schema", out var schema) ? schema : null;

    [GeneratedRegex(@"\{\**(?<name>[^}:=?]+)[^}]*\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Parameter();
}
