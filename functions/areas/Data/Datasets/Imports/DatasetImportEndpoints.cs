using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>Routes of imports, for people and for the orchestration that carries them out.</summary>
internal static class DatasetImportEndpoints
{
    /// <summary>Registers the services.</summary>
    public static IServiceCollection AddDatasetImports(this IServiceCollection services)
    {
        services.AddOptions<ImportOptions>().BindConfiguration(ImportOptions.Section)
            .Validate(options => options is { MaxBytes: > 0, MaxRatio: > 0 }, "Datasets:Imports: limits must be positive.").ValidateOnStart();
        return services.AddSingleton<DatasetImportStore>().AddSingleton<DatasetImportCheck>().AddSingleton<ImportStaging>().AddSingleton<IOrchestratedKind, OrchestratedImports>().AddSingleton<ITaskKind, ImportTaskKind>()
            .AddSingleton(new OwnedKind("datasetImport", "dataset_imports", IsInstance: true));
    }

    /// <summary>Maps the routes.</summary>
    public static void MapDatasetImportEndpoints(this IEndpointRouteBuilder routes)
    {
        var imports = routes.MapGroup("/v1/projects/{project}/datasets/{dataset}/imports").WithTags("Datasets");
        imports.MapPost("/", CreateAsync).RequireAction(DataActions.WriteImport).WithIdempotency()
            .Describe("importDataset", "Import a version from a URL, a Blob container or an archive");
        imports.MapGet("/", ListAsync).RequireAction(DataActions.ReadImport)
            .Describe("listDatasetImports", "List imports, newest first");
        imports.MapGet("/{import}", GetAsync).RequireAction(DataActions.ReadImport)
            .Describe("getDatasetImport", "Get an import");
        imports.MapPost("/{import}/cancel", CancelAsync).RequireAction(DataActions.CancelImport)
            .Describe("cancelDatasetImport", "Cancel an import; repeating it is harmless");
        var work = routes.MapGroup("/v1/dataset-imports/{import}").WithTags("Datasets").RequireAction(DataActions.OrchestrateImport);
        work.MapGet("/work", WorkAsync)
            .Describe("getDatasetImportWork", "What is needed to carry an import out");
        work.MapPost("/report", ReportAsync)
            .Describe("reportDatasetImport", "Report where an import is");
        work.MapDelete("/staging", ClearAsync)
            .Describe("clearDatasetImport", "Free what an import has laid down, and its draft unless the version is ready");
    }

    private static async Task<Accepted<DatasetImportSubmission>> CreateAsync(
        Reached<DatasetRow> dataset, CreateDatasetImportRequest request, Caller caller, HttpRequest http, DatasetImportCheck check, DatasetImportStore store,
        CancellationToken cancellationToken)
    {
        var target = await check.RequireAsync(dataset.Value, request, cancellationToken);
        var import = await store.CreateAsync(dataset.Value, request, target, caller, cancellationToken);
        var uris = ManagementUris.For(http, import.Id);
        return TypedResults.Accepted(
            $"/v1/projects/{dataset.Value.ProjectId}/datasets/{dataset.Id}/imports/{import.Id}",
            new DatasetImportSubmission(import.ToContract(ErrorCatalog.PrefersChinese(http)), uris.StatusQueryGetUri, uris.TerminatePostUri));
    }

    private static async Task<Ok<Page<DatasetImport>>> ListAsync(
        Reached<DatasetRow> dataset, [AsParameters] PageRequest page, HttpRequest http, DatasetImportStore store, CancellationToken cancellationToken)
    {
        var chinese = ErrorCatalog.PrefersChinese(http);
        return TypedResults.Ok(page.ToPage(await store.ListAsync(dataset.Id, page.Key(), page.Size, cancellationToken), item => item.ToContract(chinese), item => [item.Id]));
    }

    private static async Task<Ok<DatasetImport>> GetAsync(
        Reached<ProjectIdentity> project, string import, HttpRequest http, DatasetImportStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok((await store.GetAsync(project.Id, import, cancellationToken)).ToContract(ErrorCatalog.PrefersChinese(http)));
    }

    private static async Task<Ok<DatasetImport>> CancelAsync(
        Reached<ProjectIdentity> project, string import, HttpRequest http, DatasetImportStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok((await store.CancelAsync(project.Id, import, cancellationToken)).ToContract(ErrorCatalog.PrefersChinese(http)));
    }

    private static async Task<Ok<DatasetImportWork>> WorkAsync(string import, HttpRequest http, ImportStaging staging, CancellationToken cancellationToken)
        => TypedResults.Ok(await staging.PrepareAsync(import, ContentLinks.Origin(http), cancellationToken));

    private static async Task<Ok<DatasetImport>> ReportAsync(string import, ReportDatasetImportRequest request, DatasetImportStore store, CancellationToken cancellationToken)
    {
        Check.Defined(request.Status, "status");
        return TypedResults.Ok((await store.ReportAsync(import, request, cancellationToken)).ToContract(chinese: false));
    }

    private static async Task<NoContent> ClearAsync(string import, ImportStaging staging, CancellationToken cancellationToken)
    {
        await staging.ClearAsync(import, cancellationToken);
        return TypedResults.NoContent();
    }
}
