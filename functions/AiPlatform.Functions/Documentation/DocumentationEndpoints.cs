using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using Scalar.AspNetCore;

namespace AiPlatform.Functions.Documentation;

/// <summary><c>/openapi/v1.json</c> and the reference at <c>/docs</c>, which loads nothing from elsewhere.</summary>
internal static class DocumentationEndpoints
{
    // The page may only talk to this host, whatever its scripts would like to fetch.
    private const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:";

    /// <summary>Registers the document.</summary>
    public static IServiceCollection AddDocumentation(this IServiceCollection services)
        => services.AddOpenApi("v1", static options =>
        {
            options.AddDocumentTransformer<ApiDocument>();
            options.AddOperationTransformer(OperationDetails.TransformAsync);
            options.AddDocumentTransformer<CoherentSchemas>();
        });

    /// <summary>Maps the routes.</summary>
    public static void MapDocumentationEndpoints(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").RequirePermission(Permission.Anonymous).WithoutDatabase();
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
        }).RequirePermission(Permission.Anonymous).WithoutDatabase();
    }
}
