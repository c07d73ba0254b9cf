using AiPlatform.Contracts.Lineage;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Functions.Features.Lineage;

/// <summary>Routes of the lineage graph.</summary>
internal static class LineageEndpoints
{
    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddLineage(this IServiceCollection services) => services.AddSingleton<LineageWriter>().AddSingleton<LineageReader>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapLineageEndpoints(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/lineage/{kind}/{id}", GetAsync).WithTags("Lineage").RequirePermission(Permission.Read)
            .WithSummary("What a thing came from and what came from it, one level each");
        return routes;
    }

    private static async Task<Ok<LineageGraph>> GetAsync(string kind, string id, Caller caller, LineageReader reader, CancellationToken cancellationToken)
        => TypedResults.Ok(await reader.GetAsync(kind, id, caller, cancellationToken));
}
