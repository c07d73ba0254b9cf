using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>Routes of datasets.</summary>
internal static class DatasetEndpoints
{
    private const int MaxDescription = 2_000;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddDatasets(this IServiceCollection services)
    {
        services.AddOptions<DatasetOptions>().BindConfiguration(DatasetOptions.Section)
            .Validate(options => options is { MaxFiles: > 0, MaxFileBytes: > 0, VerifyConcurrency: > 0 }, "Datasets: limits must be positive.")
            .ValidateOnStart();
        services.TryAddSingleton<UploadVerifier>();
        return services.AddSingleton<DatasetStore>().AddSingleton<DatasetVersionStore>().AddSingleton<ContentVerifier>()
            .AddSingleton<DraftSweep>().AddSingleton<ITickTask>(provider => provider.GetRequiredService<DraftSweep>());
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapDatasetEndpoints(this IEndpointRouteBuilder routes)
    {
        var datasets = routes.MapGroup("/v1/projects/{project}/datasets").WithTags("Datasets");
        datasets.MapPost("/", CreateAsync).RequirePermission(Permission.Write).WithIdempotency().WithSummary("Create a dataset");
        datasets.MapGet("/", ListAsync).RequirePermission(Permission.Read).WithSummary("List datasets, newest first");
        datasets.MapGet("/{dataset}", GetAsync).RequirePermission(Permission.Read).WithSummary("Get a dataset by id or name");
        datasets.MapDelete("/{dataset}", DeleteAsync).RequirePermission(Permission.Write).WithSummary("Delete a dataset");
        datasets.MapPost("/{dataset}/restore", RestoreAsync).RequirePermission(Permission.Write).WithSummary("Restore a deleted dataset by id");
        DatasetVersionEndpoints.Map(datasets.MapGroup("/{dataset}/versions"));
        return routes;
    }

    private static async Task<Created<Dataset>> CreateAsync(
        string project, CreateDatasetRequest request, Caller caller, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        Check.Name(request.Name, "name");
        Check.Text(request.Description, "description", MaxDescription);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var dataset = await store.CreateAsync(projectId, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{projectId}/datasets/{dataset.Id}", dataset);
    }

    private static async Task<Ok<Page<Dataset>>> ListAsync(
        string project, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var rows = await store.ListAsync(projectId, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static async Task<Ok<Dataset>> GetAsync(
        string project, string dataset, Caller caller, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        return TypedResults.Ok((await store.GetAsync(projectId, dataset, cancellationToken)).ToContract());
    }

    private static async Task<NoContent> DeleteAsync(
        string project, string dataset, Caller caller, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await store.SetDeletedAsync(projectId, dataset, deleted: true, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Dataset>> RestoreAsync(
        string project, string dataset, Caller caller, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await store.SetDeletedAsync(projectId, dataset, deleted: false, cancellationToken);
        return TypedResults.Ok((await store.GetAsync(projectId, dataset, cancellationToken)).ToContract());
    }
}
