using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Data.Quality;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AiPlatform.Functions.Documentation;

/// <summary>
/// Adds to each operation what follows from its route and its handler: name, description, callers, parameters, an example, headers, errors.
/// </summary>
internal sealed partial class OperationDetails(XmlDocs docs) : IOpenApiOperationTransformer
{
    /// <inheritdoc />
    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var handler = metadata.OfType<MethodInfo>().LastOrDefault();
        var action = metadata.OfType<RouteAction>().LastOrDefault()?.Action;
        operation.OperationId = metadata.OfType<OperationId>().LastOrDefault()?.Id;
        operation.Description = $"{(handler is null ? null : docs.Summary(handler))}\n\n{Callers(action)}".Trim();
        if (action is not null)
        {
            operation.AddExtension("x-action", new JsonNodeExtension(JsonValue.Create(action.Name)));
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiDocument.Bearer, context.Document)] = [] }];
        }

        DescribeParameters(operation, context.Description.ActionDescriptor.AttributeRouteInfo?.Template ?? context.Description.RelativePath ?? string.Empty, handler);
        AddHeaders(operation, metadata);
        DescribeBody(operation, context, handler);
        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponseReference(ApiDocument.Problem, context.Document);
        return Task.CompletedTask;
    }

    private static string Callers(AccessAction? action) => action switch
    {
        null => "Needs no token.",
        { Kind: AccessRules.Account } => "For people, about their own account.",
        { Verb: Verbs.Administer } => "For administrators.",
        { Verb: Verbs.Orchestrate } => "For the orchestrations service only.",
        { Verb: Verbs.Execute, Kind: AccessRules.QueueTask } => "For workers of task queues only.",
        { Verb: Verbs.Execute } => "For runners only.",
        _ when AccessRules.IsOfRun(action) => "For people who reach the project, for the job about its own run, and for the platform's own services.",
        _ => "For people who reach the project, and for the platform's own services.",
    };

    private void DescribeParameters(OpenApiOperation operation, string path, MethodInfo? handler)
    {
        // What a handler does not look at is a part of the path all the same.
        var parts = PathParameter().Matches(path).Select(static match => match.Groups["name"].Value).ToList();
        foreach (var name in parts.Where(name => operation.Parameters?.Any(parameter => parameter.In == ParameterLocation.Path && parameter.Name == name) != true))
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Path, Required = true, Schema = SchemaOf(path, name) });
        }

        // In the order of the path: generated clients take them one after the other, and all of them are texts.
        operation.Parameters = operation.Parameters?.OrderBy(parameter => parameter.In == ParameterLocation.Path ? parts.IndexOf(parameter.Name!) : int.MaxValue).ToList();

        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            // Those of a record are named as its properties are.
            parameter.Name = parameter.In == ParameterLocation.Query && parameter.Name is { } name ? JsonNamingPolicy.CamelCase.ConvertName(name) : parameter.Name;
            parameter.Description ??= (handler is null ? null : docs.Parameter(handler, parameter.Name ?? string.Empty)) ?? ParameterWords.Describe(parameter.Name);

            // OpenAPI has no word for the rest of a path: a client that escaped its slashes would find nothing.
            if (parameter.In == ParameterLocation.Path && (path.Contains($"{{*{parameter.Name}}}", StringComparison.Ordinal) || path.Contains($"{{**{parameter.Name}}}", StringComparison.Ordinal)))
            {
                parameter.Extensions ??= new Dictionary<string, IOpenApiExtension>(StringComparer.Ordinal);
                parameter.Extensions["x-multi-segment"] = new JsonNodeExtension(JsonValue.Create(true));
            }
        }
    }

    private static OpenApiSchema SchemaOf(string path, string name)
        => path.Contains($"{{{name}:int}}", StringComparison.Ordinal)
            ? new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" }
            : new OpenApiSchema { Type = JsonSchemaType.String };

    private static void AddHeaders(OpenApiOperation operation, IList<object> metadata)
    {
        if (metadata.OfType<IdempotentRoute>().LastOrDefault() is { } idempotent)
        {
            AddHeader(operation, "Idempotency-Key", "A key of the caller's choice, at most 200 characters: a repeat with the same key "
                + (idempotent.AnswersSecret ? "changes nothing and is a 409, because the first answer has a secret that is shown only once." : "gives the first answer again."));
        }

        if (metadata.OfType<ConditionalRoute>().Any())
        {
            AddHeader(operation, "If-Match", "The `ETag` of an answer: the request changes nothing and is a 412 when somebody else has changed the resource since.");
        }
    }

    private static void AddHeader(OpenApiOperation operation, string name, string description)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = name,
            In = ParameterLocation.Header,
            Description = description,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
    }

    private void DescribeBody(OpenApiOperation operation, OpenApiOperationTransformerContext context, MethodInfo? handler)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<DocumentedBody>().LastOrDefault() is { } body)
        {
            operation.RequestBody = Raw(body.ContentType);
        }
        else if (operation.RequestBody is OpenApiRequestBody request)
        {
            var type = context.Description.ParameterDescriptions.FirstOrDefault(static parameter => parameter.Source.Id is "Body")?.Type;
            var example = (handler is null ? null : docs.Example(handler)) ?? (type is null ? null : docs.Example(type));
            request.Description ??= type is null ? null : docs.Summary(type);
            foreach (var (name, media) in request.Content ?? new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal))
            {
                if (PlanTypes.IsYaml(name))
                {
                    media.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The document itself." };
                }
                else if (example is not null)
                {
                    media.Example = JsonNode.Parse(example);
                }
            }
        }
    }

    private static OpenApiRequestBody Raw(string contentType)
    {
        var isJson = contentType == "application/json";
        var media = new OpenApiMediaType
        {
            Schema = isJson ? new OpenApiSchema() : new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
            Example = isJson ? JsonNode.Parse("""{"answer": 42}""") : null,
        };
        return new OpenApiRequestBody
        {
            Description = isJson ? "Any JSON." : "The bytes themselves.",
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [contentType] = media },
        };
    }

    [GeneratedRegex(@"\{\**(?<name>[^}:=?]+)[^}]*\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PathParameter();
}
