using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AiPlatform.Functions.Documentation;

/// <summary>
/// Makes every schema say one thing. The generator calls a value with alternatives an object, even where all of them are numbers or texts
/// (a number that may be written as "NaN"): nothing would be valid. It leaves out of which values a list of anything is, and of which type
/// an enumeration. And it calls required what may be null, although nulls are left out of answers and may be left out of requests.
/// </summary>
internal sealed class CoherentSchemas : IOpenApiDocumentTransformer
{
    /// <inheritdoc />
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var seen = new HashSet<IOpenApiSchema>(ReferenceEqualityComparer.Instance);
        foreach (var schema in document.Components?.Schemas?.Values ?? [])
        {
            Mend(schema, seen);
        }

        foreach (var path in document.Paths.Values)
        {
            MendAll(path.Parameters, seen);
            foreach (var operation in (path.Operations ?? []).Values)
            {
                MendAll(operation.Parameters, seen);
                MendAll(operation.RequestBody?.Content, seen);
                foreach (var response in (operation.Responses ?? []).Values)
                {
                    MendAll(response.Content, seen);
                }
            }
        }

        return Task.CompletedTask;
    }

    private static void MendAll(IList<IOpenApiParameter>? parameters, HashSet<IOpenApiSchema> seen)
    {
        foreach (var parameter in parameters ?? [])
        {
            Mend(parameter.Schema, seen);
        }
    }

    private static void MendAll(IDictionary<string, OpenApiMediaType>? content, HashSet<IOpenApiSchema> seen)
    {
        foreach (var media in content?.Values ?? [])
        {
            Mend(media.Schema, seen);
        }
    }

    // What is referred to is among the components.
    private static void Mend(IOpenApiSchema? found, HashSet<IOpenApiSchema> seen)
    {
        if (found is not OpenApiSchema schema || !seen.Add(schema))
        {
            return;
        }

        var alternatives = schema.AnyOf is { Count: > 0 } any ? any : schema.OneOf;
        if (alternatives is { Count: > 0 } && schema.Type is { } type && type.HasFlag(JsonSchemaType.Object) && schema.Properties is not { Count: > 0 })
        {
            if (type.HasFlag(JsonSchemaType.Null) && !alternatives.Any(static schema => schema.Type?.HasFlag(JsonSchemaType.Null) == true))
            {
                alternatives.Add(new OpenApiSchema { Type = JsonSchemaType.Null });
            }

            schema.Type = null;
        }

        if (schema is { Type: null, Enum.Count: > 0 } && schema.Enum.All(static value => value is null || value.GetValueKind() is JsonValueKind.String or JsonValueKind.Null))
        {
            var nullable = schema.Enum.Any(static value => value is null || value.GetValueKind() == JsonValueKind.Null);
            schema.Type = nullable ? JsonSchemaType.String | JsonSchemaType.Null : JsonSchemaType.String;
        }

        foreach (var (name, _) in (schema.Properties ?? new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)).Where(static pair => MayBeNull(pair.Value)))
        {
            schema.Required?.Remove(name);
        }

        // A list of anything says so.
        if (schema.Type?.HasFlag(JsonSchemaType.Array) == true)
        {
            schema.Items ??= new OpenApiSchema();
        }

        IEnumerable<IOpenApiSchema?> inner =
            [schema.Items, schema.AdditionalProperties, schema.Not, .. schema.Properties?.Values ?? [], .. schema.AnyOf ?? [], .. schema.OneOf ?? [], .. schema.AllOf ?? []];
        foreach (var part in inner)
        {
            Mend(part, seen);
        }
    }

    private static bool MayBeNull(IOpenApiSchema schema)
        => schema.Type?.HasFlag(JsonSchemaType.Null) == true || (schema.AnyOf ?? []).Concat(schema.OneOf ?? []).Any(MayBeNull);
}
