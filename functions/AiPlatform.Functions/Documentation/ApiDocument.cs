using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AiPlatform.Functions.Documentation;

/// <summary>What the OpenAPI document says of the API as a whole.</summary>
internal sealed class ApiDocument : IOpenApiDocumentTransformer
{
    /// <summary>The name of the bearer scheme.</summary>
    public const string Bearer = "bearer";

    /// <summary>The name of the answer that every operation may give.</summary>
    public const string Problem = "Problem";

    /// <inheritdoc />
    public async Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "AI Platform",
            Version = "v1",
            Description =
                """
                Projects, data, experiments, training jobs on GPUs and models.

                * Send `Authorization: Bearer <access token>`; get one from `POST /v1/auth/login`.
                * Errors are RFC 9457 problem details with a stable `code`, in English or Chinese (`Accept-Language`).
                * Lists take `pageSize` (at most 500) and `pageToken`; follow `nextPageToken` until it is absent.
                * `POST`s that create something honour `Idempotency-Key`; updates honour `If-Match` with the `ETag` of an answer.
                """,
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
        document.Components.SecuritySchemes[Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" };
        document.AddComponent(nameof(ProblemResponse), await context.GetOrCreateSchemaAsync(typeof(ProblemResponse), null, cancellationToken));
        document.Components.Responses ??= new Dictionary<string, IOpenApiResponse>(StringComparer.Ordinal);
        document.Components.Responses[Problem] = new OpenApiResponse
        {
            Description = "A problem; `code` says which.",
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(nameof(ProblemResponse), document) },
            },
        };
    }
}
