using AiPlatform.Contracts;
using AiPlatform.Data.Quality;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AiPlatform.Functions.Documentation;

/// <summary>Adds to each operation what follows from its route: permission, error answers, headers.</summary>
internal static class OperationDetails
{
    private const string ProblemJson = "application/problem+json";

    /// <summary>Transforms one operation.</summary>
    public static async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var permission = metadata.OfType<RequiredPermission>().LastOrDefault()?.Permission ?? Permission.Anonymous;
        if (permission is not Permission.Anonymous)
        {
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiDocument.Bearer, context.Document)] = [] }];
        }

        if (metadata.OfType<IdempotentRoute>().LastOrDefault() is { } idempotent)
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = "Idempotency-Key",
                In = ParameterLocation.Header,
                Description = "A key of the caller's choice, at most 200 characters: a repeat with the same key "
                    + (idempotent.AnswersSecret ? "changes nothing and is a 409, because the first answer has a secret that is shown only once." : "gives the first answer again."),
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }

        foreach (var (type, media) in operation.RequestBody?.Content ?? new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal))
        {
            if (PlanTypes.IsYaml(type))
            {
                media.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The document itself." };
            }
        }

        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "A problem; `code` says which.",
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                [ProblemJson] = new() { Schema = await context.GetOrCreateSchemaAsync(typeof(ProblemResponse), null, cancellationToken) },
            },
        };
    }
}
