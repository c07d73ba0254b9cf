using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AiPlatform.Functions.Documentation;

/// <summary>Gives each schema, each of its properties and each value of an enumeration the words of the type that it comes from.</summary>
internal sealed class DescribedSchemas(XmlDocs docs) : IOpenApiDocumentTransformer
{
    private readonly ConcurrentDictionary<string, Type> _types = new(StringComparer.Ordinal);

    /// <summary>Names a type's schema, and remembers which type has the name.</summary>
    public string? Name(JsonTypeInfo type)
    {
        var name = OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        if (name is not null)
        {
            _types[name] = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        }

        return name;
    }

    /// <inheritdoc />
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var (name, schema) in document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal))
        {
            if (schema is OpenApiSchema own && _types.TryGetValue(name, out var type))
            {
                Describe(own, type);
            }
        }

        return Task.CompletedTask;
    }

    private void Describe(OpenApiSchema schema, Type type)
    {
        if (type.IsEnum && schema.Enum is { } values)
        {
            schema.Enum = [.. values.Where(static value => value is not null && value.GetValueKind() != JsonValueKind.Null)];
        }

        schema.Description ??= type.IsEnum ? Values(type) : type == typeof(JsonElement) ? "Any JSON." : type == typeof(Stream) ? "The bytes themselves." : docs.Summary(type);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (schema.Properties?.TryGetValue(name, out var found) != true)
            {
                continue;
            }

            // Whether a value may be missing is a matter of the property and not of the enumeration.
            if (found is OpenApiSchemaReference reference && Nullable.GetUnderlyingType(property.PropertyType)?.IsEnum == true)
            {
                schema.Properties[name] = found = new OpenApiSchema { OneOf = [new OpenApiSchema { Type = JsonSchemaType.Null }, reference] };
            }

            if (docs.Summary(property) is { } text)
            {
                Describe(found!, text);
            }
        }
    }

    private static void Describe(IOpenApiSchema schema, string text)
    {
        switch (schema)
        {
            case OpenApiSchemaReference reference:
                reference.Description = text;
                break;
            case OpenApiSchema own:
                own.Description = text;
                break;
        }
    }

    private string Values(Type type)
    {
        var text = new StringBuilder(docs.Summary(type));
        text.Append('\n');
        foreach (var value in Enum.GetNames(type))
        {
            text.Append("\n* `").Append(JsonNamingPolicy.CamelCase.ConvertName(value)).Append('`');
            if (docs.Summary(type, value) is { } meaning)
            {
                text.Append(": ").Append(meaning);
            }
        }

        return text.ToString();
    }
}
