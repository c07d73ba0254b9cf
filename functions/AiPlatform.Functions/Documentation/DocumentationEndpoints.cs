using System.Security.Cryptography;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using Scalar.AspNetCore;

namespace AiPlatform.Functions.Documentation;

/// <summary><c>/openapi/v1.json</c> and the reference at <c>/docs</c>, which loads nothing from elsewhere.</summary>
internal static class DocumentationEndpoints
{
    // The page may only talk to this host, whatever its scripts would like to fetch.
    private const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:";

    private static readonly Lazy<EntityTagHeaderValue> Tag = new(MakeTag);

    /// <summary>Registers what makes the document.</summary>
    public static IServiceCollection AddDocumentation(this IServiceCollection services)
        => services.AddOpenApi("v1", static options =>
        {
            var docs = new XmlDocs();
            var schemas = new DescribedSchemas(docs);
            options.CreateSchemaReferenceId = schemas.Name;
            options.AddDocumentTransformer<ApiDocument>();
            options.AddOperationTransformer(new OperationDetails(docs));
            options.AddDocumentTransformer(schemas);
            options.AddDocumentTransformer<CoherentSchemas>();
        });

    /// <summary>Maps the routes.</summary>
    public static void MapDocumentationEndpoints(this WebApplication app)
    {
        app.MapGet("/openapi/v1.json", ServeDocument).OpenToAnybody().WithoutDatabase().ExcludeFromDescription();
        app.MapScalarApiReference("/docs", static (options, context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
            options.Title = "AI Platform";
            options.OpenApiRoutePattern = "/openapi/{documentName}.json";
            options.AddDocument("v1");
            options.DefaultFonts = false;
            options.Telemetry = false;
            options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
            options.Agent = new ScalarAgentOptions { Disabled = true };
        }).OpenToAnybody().WithoutDatabase();
    }

    // The document that was reviewed and committed: a test compares it with the routes, and nobody waits until it is made.
    private static FileStreamHttpResult ServeDocument()
        => TypedResults.Stream(
            typeof(DocumentationEndpoints).Assembly.GetManifestResourceStream("AiPlatform.Functions.openapi.v1.json")!, "application/json;charset=utf-8", entityTag: Tag.Value);

    private static EntityTagHeaderValue MakeTag()
    {
        using var document = typeof(DocumentationEndpoints).Assembly.GetManifestResourceStream("AiPlatform.Functions.openapi.v1.json")!;
        return new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(document).AsSpan(0, 8))}\"");
    }
}
