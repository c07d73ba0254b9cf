using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AiPlatform.Functions.Documentation;

/// <summary>The document of an app's routes as text that changes only where the API does.</summary>
internal static class ApiDocumentText
{
    // Schemas and paths are sorted; properties stay in the order of their records, methods in that of the specification.
    private static readonly string[] Sorted = ["paths", "components/schemas"];

    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes the document of an app that is built and need not be started: only its routes are asked, and no server.
    /// </summary>
    public static async Task<string> WriteAsync(WebApplication app, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(app);

        // An app makes its routes known when it starts.
        app.UseRouting();
        app.UseEndpoints(static _ => { });
        var provider = app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>("v1");
        var document = await provider.GetOpenApiDocumentAsync(cancellationToken);
        await using var stream = new MemoryStream();
        await document.SerializeAsJsonAsync(stream, OpenApiSpecVersion.OpenApi3_1, cancellationToken);
        var root = JsonNode.Parse(stream.ToArray())!.AsObject();
        OpenAnswers(root);
        foreach (var place in Sorted)
        {
            var steps = place.Split('/');
            var parent = steps[..^1].Aggregate(root, static (node, step) => node[step]!.AsObject());
            var old = parent[steps[^1]]!.AsObject();
            parent[steps[^1]] = new JsonObject(old.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone())));
        }

        return new StringBuilder(root.ToJsonString(Pretty)).Append('\n').ToString();
    }

    // The API refuses what it does not know in requests; answers gain properties, and a client that refused them would break itself.
    private static void OpenAnswers(JsonObject root)
    {
        var schemas = root["components"]!["schemas"]!.AsObject();
        var sent = new HashSet<string>(StringComparer.Ordinal);
        foreach (var operation in root["paths"]!.AsObject().SelectMany(static path => path.Value!.AsObject()))
        {
            Reach(operation.Value!["requestBody"], schemas, sent);
        }

        foreach (var schema in schemas.Where(pair => !sent.Contains(pair.Key)).Select(static pair => pair.Value!.AsObject()))
        {
            if (schema["additionalProperties"] is JsonValue)
            {
                schema.Remove("additionalProperties");
            }
        }
    }

    private static void Reach(JsonNode? node, JsonObject schemas, HashSet<string> reached)
    {
        switch (node)
        {
            case JsonObject members:
                if (members["$ref"] is JsonValue reference && reference.GetValue<string>().Split('/')[^1] is var name && reached.Add(name))
                {
                    Reach(schemas[name], schemas, reached);
                }

                foreach (var (_, member) in members)
                {
                    Reach(member, schemas, reached);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Reach(item, schemas, reached);
                }

                break;
        }
    }
}
