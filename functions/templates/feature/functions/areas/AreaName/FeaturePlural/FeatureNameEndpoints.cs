using AiPlatform.Contracts;
using AiPlatform.Contracts.FeaturePlural;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.AreaName.FeaturePlural;

/// <summary>Routes of feature plural.</summary>
internal static class FeatureNameEndpoints
{
    private const int MaxDescription = 2_000;

    private static readonly AccessAction Read = new("areaName.featureName", Verbs.Read);
    private static readonly AccessAction Write = new("areaName.featureName", Verbs.Write);
    private static readonly AccessAction Delete = new("areaName.featureName", Verbs.Delete);

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddFeaturePlural(this IServiceCollection services)
        => services.AddReach<FeatureNameRow, FeatureNameStore>().AddSingleton<IProjectPart>(static provider => provider.GetRequiredService<FeatureNameStore>());

    /// <summary>Maps the routes.</summary>
    public static void MapFeatureNameEndpoints(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/projects/{project}/feature-plural").WithTags("FeaturePlural");
        group.MapPost("/", CreateAsync).RequireAction(Write).WithIdempotency()
            .Describe("createFeatureName", "Create one of the feature plural of a project");
        group.MapGet("/", ListAsync).RequireAction(Read)
            .Describe("listFeaturePlural", "List feature plural, newest first");
        group.MapGet("/{featureName}", Get).RequireAction(Read)
            .Describe("getFeatureName", "Get one of the feature plural by id or name");
        group.MapPatch("/{featureName}", UpdateAsync).RequireAction(Write).WithIfMatch()
            .Describe("updateFeatureName", "Change one of the feature plural; honours If-Match");
        group.MapDelete("/{featureName}", DeleteAsync).RequireAction(Delete).WithIfMatch()
            .Describe("deleteFeatureName", "Delete one of the feature plural; honours If-Match");
    }

    private static async Task<Created<FeatureName>> CreateAsync(
        Reached<ProjectIdentity> project, CreateFeatureNameRequest request, Caller caller, HttpResponse response, FeatureNameStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", MaxDescription);
        var row = await store.CreateAsync(project.Id, request, caller, cancellationToken);
        ETag.Set(response, row.Version);
        return TypedResults.Created($"/v1/projects/{project.Id}/feature-plural/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<Page<FeatureName>>> ListAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, FeatureNameStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(project.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    /// <param name="featureName">The id or name of the feature name.</param>
    private static Ok<FeatureName> Get(Reached<FeatureNameRow> featureName, HttpResponse response)
    {
        ETag.Set(response, featureName.Value.Version);
        return TypedResults.Ok(featureName.Value.ToContract());
    }

    /// <param name="featureName">The id or name of the feature name.</param>
    private static async Task<Ok<FeatureName>> UpdateAsync(
        Reached<FeatureNameRow> featureName, UpdateFeatureNameRequest request, HttpRequest http, HttpResponse response, FeatureNameStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = request.Name is null ? null : Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", MaxDescription);
        var row = await store.UpdateAsync(featureName.Id, request, ETag.Expected(http), cancellationToken);
        ETag.Set(response, row.Version);
        return TypedResults.Ok(row.ToContract());
    }

    /// <param name="featureName">The id or name of the feature name.</param>
    private static async Task<NoContent> DeleteAsync(Reached<FeatureNameRow> featureName, HttpRequest http, FeatureNameStore store, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(featureName.Id, ETag.Expected(http), cancellationToken);
        return TypedResults.NoContent();
    }
}
