using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Data.Datasets.Imports;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Data.Datasets;

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
        return services.AddDatasetImports().AddSingleton<DatasetStore>().AddSingleton<DatasetVersionStore>().AddSingleton<DatasetDraftStore>().AddSingleton<DatasetRemoval>()
            .AddSingleton<ContentStore>().AddSingleton<ContentReader>().AddSingleton<IDatasetInputs, DatasetInputs>().AddSingleton<ContentLinks>().AddSingleton<ContentVerifier>().AddSingleton<ArchiveWriter>()
            .AddSingleton<DraftSweep>().AddSingleton<ITickTask>(provider => provider.GetRequiredService<DraftSweep>())
            .AddGarbage<DatasetGarbage>();
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapDatasetEndpoints(this IEndpointRouteBuilder routes)
    {
        var datasets = routes.MapGroup("/v1/projects/{project}/datasets").WithTags("Datasets");
        datasets.MapPost("/", CreateAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("createDataset").WithSummary("Create a dataset");
        datasets.MapGet("/", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listDatasets").WithSummary("List datasets, newest first");
        datasets.MapGet("/{dataset}", GetAsync).RequirePermission(Permission.Read)
            .WithOperationId("getDataset").WithSummary("Get a dataset by id or name");
        datasets.MapPatch("/{dataset}", UpdateAsync).RequirePermission(Permission.Write)
            .WithOperationId("updateDataset").WithIfMatch().WithSummary("Change a dataset; honours If-Match");
        datasets.MapDelete("/{dataset}", DeleteAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteDataset").WithSummary("Delete a dataset that nothing uses; force is for administrators");
        datasets.MapPost("/{dataset}/restore", RestoreAsync).RequirePermission(Permission.Write)
            .WithOperationId("restoreDataset").WithSummary("Restore a deleted dataset by id");
        DatasetVersionEndpoints.Map(datasets.MapGroup("/{dataset}/versions"));
        DatasetFileEndpoints.MapLinks(routes);
        routes.MapDatasetImportEndpoints();
        return routes;
    }

    private static async Task<Created<Dataset>> CreateAsync(
        string project, CreateDatasetRequest request, Caller caller, HttpResponse response, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", MaxDescription);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var dataset = await store.CreateAsync(projectId, request, caller, cancellationToken);
        ETag.Set(response, dataset.RowVersion);
        return TypedResults.Created($"/v1/projects/{projectId}/datasets/{dataset.Id}", dataset.ToContract());
    }

    private static async Task<Ok<Page<Dataset>>> ListAsync(
        string project, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var rows = await store.ListAsync(projectId, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static async Task<Ok<Dataset>> GetAsync(
        string project, string dataset, Caller caller, HttpResponse response, ProjectAccess projects, DatasetStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        return Show(response, await store.GetAsync(projectId, dataset, cancellationToken));
    }

    private static async Task<Ok<Dataset>> UpdateAsync(
        string project, string dataset, UpdateDatasetRequest request, Caller caller, HttpRequest http, HttpResponse response, ProjectAccess projects,
        DatasetStore store, CancellationToken cancellationToken)
    {
        if (request.Name is not null)
        {
            request = request with { Name = Check.Name(request.Name, "name") };
        }

        Check.Text(request.Description, "description", MaxDescription);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        return Show(response, await store.UpdateAsync(projectId, dataset, request, ETag.Expected(http), cancellationToken));
    }

    private static async Task<NoContent> DeleteAsync(
        string project, string dataset, bool? force, Caller caller, ProjectAccess projects, DatasetRemoval removal, CancellationToken cancellationToken)
    {
        DatasetVersionEndpoints.RequireMayForce(force, caller);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await removal.DeleteDatasetAsync(projectId, dataset, force ?? false, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Dataset>> RestoreAsync(
        string project, string dataset, Caller caller, HttpResponse response, ProjectAccess projects, DatasetStore store, DatasetRemoval removal,
        CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await removal.RestoreDatasetAsync(projectId, dataset, cancellationToken);
        return Show(response, await store.GetAsync(projectId, dataset, cancellationToken));
    }

    private static Ok<Dataset> Show(HttpResponse response, DatasetRow row)
    {
        ETag.Set(response, row.RowVersion);
        return TypedResults.Ok(row.ToContract());
    }
}
