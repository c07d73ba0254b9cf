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
        return services.AddDatasetImports().AddReach<DatasetRow, DatasetStore>().AddReach<DatasetVersionRow, DatasetVersionStore>().AddSingleton<DatasetDraftStore>().AddSingleton<DatasetDrafts>().AddSingleton<DatasetRemoval>()
            .AddSingleton<ContentStore>().AddSingleton<ContentReader>().AddSingleton<IDatasetInputs, DatasetInputs>().AddSingleton<ContentLinks>().AddSingleton<ContentVerifier>().AddSingleton<ArchiveWriter>()
            .AddSingleton<DraftSweep>().AddSingleton<ITickTask>(provider => provider.GetRequiredService<DraftSweep>())
            .AddGarbage<DatasetGarbage>();
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapDatasetEndpoints(this IEndpointRouteBuilder routes)
    {
        var datasets = routes.MapGroup("/v1/projects/{project}/datasets").WithTags("Datasets");
        datasets.MapPost("/", CreateAsync).RequireAction(DataActions.WriteDataset).WithIdempotency()
            .Describe("createDataset", "Create a dataset");
        datasets.MapGet("/", ListAsync).RequireAction(DataActions.ReadDataset)
            .Describe("listDatasets", "List datasets, newest first");
        datasets.MapGet("/{dataset}", Get).RequireAction(DataActions.ReadDataset)
            .Describe("getDataset", "Get a dataset by id or name");
        datasets.MapPatch("/{dataset}", UpdateAsync).RequireAction(DataActions.WriteDataset)
            .Describe("updateDataset", "Change a dataset; honours If-Match").WithIfMatch();
        datasets.MapDelete("/{dataset}", DeleteAsync).RequireAction(DataActions.DeleteDataset)
            .Describe("deleteDataset", "Delete a dataset that nothing uses; force is for administrators");
        datasets.MapPost("/{dataset}/restore", RestoreAsync).RequireAction(DataActions.WriteDataset)
            .Describe("restoreDataset", "Restore a deleted dataset by id");
        DatasetVersionEndpoints.Map(datasets.MapGroup("/{dataset}/versions"));
        DatasetFileEndpoints.MapLinks(routes);
        routes.MapDatasetImportEndpoints();
        return routes;
    }

    private static async Task<Created<Dataset>> CreateAsync(
        Reached<ProjectIdentity> project, CreateDatasetRequest request, Caller caller, HttpResponse response, DatasetStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", MaxDescription);
        var dataset = await store.CreateAsync(project.Id, request, caller, cancellationToken);
        ETag.Set(response, dataset.RowVersion);
        return TypedResults.Created($"/v1/projects/{project.Id}/datasets/{dataset.Id}", dataset.ToContract());
    }

    private static async Task<Ok<Page<Dataset>>> ListAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, DatasetStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(project.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static Ok<Dataset> Get(Reached<DatasetRow> dataset, HttpResponse response) => Show(response, dataset.Value);

    private static async Task<Ok<Dataset>> UpdateAsync(
        Reached<ProjectIdentity> project, string dataset, UpdateDatasetRequest request, HttpRequest http, HttpResponse response, DatasetStore store, CancellationToken cancellationToken)
    {
        if (request.Name is not null)
        {
            request = request with { Name = Check.Name(request.Name, "name") };
        }

        Check.Text(request.Description, "description", MaxDescription);
        return Show(response, await store.UpdateAsync(project.Id, dataset, request, ETag.Expected(http), cancellationToken));
    }

    private static async Task<NoContent> DeleteAsync(
        Reached<ProjectIdentity> project, string dataset, bool? force, Caller caller, DatasetRemoval removal, CancellationToken cancellationToken)
    {
        DatasetVersionEndpoints.RequireMayForce(force, caller);
        await removal.DeleteDatasetAsync(project.Id, dataset, force ?? false, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Dataset>> RestoreAsync(
        Reached<ProjectIdentity> project, string dataset, HttpResponse response, DatasetStore store, DatasetRemoval removal,
        CancellationToken cancellationToken)
    {
        await removal.RestoreDatasetAsync(project.Id, dataset, cancellationToken);
        return Show(response, await store.GetAsync(project.Id, dataset, cancellationToken));
    }

    private static Ok<Dataset> Show(HttpResponse response, DatasetRow row)
    {
        ETag.Set(response, row.RowVersion);
        return TypedResults.Ok(row.ToContract());
    }
}
