using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>Routes of imports, for people and for the orchestration that carries them out.</summary>
internal static class DatasetImportEndpoints
{
    private const string SourceBlob = "source";
    private const string ExpandedBlob = "expanded";

    /// <summary>Registers the services.</summary>
    public static IServiceCollection AddDatasetImports(this IServiceCollection services)
    {
        services.AddOptions<ImportOptions>().BindConfiguration(ImportOptions.Section)
            .Validate(options => options is { MaxBytes: > 0, MaxRatio: > 0 }, "Datasets:Imports: limits must be positive.").ValidateOnStart();
        return services.AddSingleton<DatasetImportStore>().AddSingleton<DatasetImportCheck>().AddSingleton<IOrchestratedKind, OrchestratedImports>().AddSingleton<ITaskKind, ImportTaskKind>()
            .AddSingleton(new OwnedKind("datasetImport", "dataset_imports", IsInstance: true));
    }

    /// <summary>Maps the routes.</summary>
    public static void MapDatasetImportEndpoints(this IEndpointRouteBuilder routes)
    {
        var imports = routes.MapGroup("/v1/projects/{project}/datasets/{dataset}/imports").WithTags("Datasets");
        imports.MapPost("/", CreateAsync).RequireAction(DataActions.WriteImport).WithIdempotency()
            .WithOperationId("importDataset").WithSummary("Import a version from a URL, a Blob container or an archive");
        imports.MapGet("/", ListAsync).RequireAction(DataActions.ReadImport)
            .WithOperationId("listDatasetImports").WithSummary("List imports, newest first");
        imports.MapGet("/{import}", GetAsync).RequireAction(DataActions.ReadImport)
            .WithOperationId("getDatasetImport").WithSummary("Get an import");
        imports.MapPost("/{import}/cancel", CancelAsync).RequireAction(DataActions.CancelImport)
            .WithOperationId("cancelDatasetImport").WithSummary("Cancel an import; repeating it is harmless");
        var work = routes.MapGroup("/v1/dataset-imports/{import}").WithTags("Datasets").RequireAction(DataActions.OrchestrateImport);
        work.MapGet("/work", WorkAsync)
            .WithOperationId("getDatasetImportWork").WithSummary("What is needed to carry an import out");
        work.MapPost("/report", ReportAsync)
            .WithOperationId("reportDatasetImport").WithSummary("Report where an import is");
        work.MapDelete("/staging", ClearAsync)
            .WithOperationId("clearDatasetImport").WithSummary("Free what an import has laid down, and its draft unless the version is ready");
    }

    private static async Task<Accepted<DatasetImportSubmission>> CreateAsync(
        Reached<DatasetRow> dataset, CreateDatasetImportRequest request, Caller caller, HttpRequest http, DatasetStore datasets,
        DatasetVersionStore versions, DatasetImportCheck check, OutgoingAddresses addresses, DatasetImportStore store, CancellationToken cancellationToken)
    {
        var target = check.Require(request);
        await addresses.RequireAsync([(target.Url, request.Url is null ? "container.url" : "url.url")], cancellationToken);
        if (request.Archive is { } archive)
        {
            await ArchiveAsync(dataset.Value.ProjectId, archive, versions, cancellationToken);
        }

        if (request.Parent is { } parent)
        {
            await versions.GetReadyAsync(dataset.Value.ProjectId, dataset.Id, parent, cancellationToken);
        }

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

    private static async Task<Ok<DatasetImportWork>> WorkAsync(
        string import, HttpRequest http, DatasetImportStore store, DatasetVersionStore versions, ContentReader reader, BlobStorage storage, GarbageQueue garbage,
        IOptions<ImportOptions> options, IOptions<DatasetOptions> datasets, CancellationToken cancellationToken)
    {
        var row = await store.GetAsync(null, import, cancellationToken);
        var request = row.ReadRequest();
        var (url, size) = (store.Reveal(row) ?? string.Empty, (long?)null);
        if (request.Archive is { } archive && !ImportTransitions.IsFinal(row.Status))
        {
            var file = await ArchiveAsync(row.ProjectId, archive, versions, cancellationToken);
            var download = await reader.DownloadsAsync(row.ProjectId, [file], ContentLinks.Origin(http), options.Value.StagingUrlLifetime, cancellationToken);
            (url, size) = (download[0].Url, file.SizeBytes);
        }
        else if (request.Container?.Name is { } name)
        {
            url = options.Value.Containers.GetValueOrDefault(name, string.Empty);
        }

        var urls = new List<string>();
        foreach (var blob in new[] { Staging(row, SourceBlob), Staging(row, ExpandedBlob) })
        {
            // An orchestration that was terminated leaves it lying: then it is collected.
            await garbage.ExpectAsync(BlobStorage.Datasets, blob, options.Value.StagingUrlLifetime, cancellationToken);
            urls.Add(await storage.BlockUploadUrlAsync(BlobStorage.Datasets, blob, options.Value.StagingUrlLifetime, cancellationToken));
        }

        return TypedResults.Ok(new DatasetImportWork(
            row.ToContract(chinese: false), request, url, request.Url is null && request.Container?.Url is null, urls[0], urls[1], size, row.SourceTag,
            new ImportLimits(datasets.Value.MaxFiles, options.Value.MaxBytes, options.Value.MaxRatio)));
    }

    private static async Task<Ok<DatasetImport>> ReportAsync(string import, ReportDatasetImportRequest request, DatasetImportStore store, CancellationToken cancellationToken)
    {
        Check.Defined(request.Status, "status");
        return TypedResults.Ok((await store.ReportAsync(import, request, cancellationToken)).ToContract(chinese: false));
    }

    private static async Task<NoContent> ClearAsync(
        string import, DatasetImportStore store, DatasetVersionStore versions, DraftSweep sweep, BlobStorage storage, CancellationToken cancellationToken)
    {
        var row = await store.GetAsync(null, import, cancellationToken);
        await storage.DiscardAsync(BlobStorage.Datasets, Staging(row, SourceBlob), cancellationToken);
        await storage.DiscardAsync(BlobStorage.Datasets, Staging(row, ExpandedBlob), cancellationToken);
        if (row.Version is { } number && await versions.FindAsync(row.DatasetId, number, cancellationToken) is { Status: DatasetVersionStatus.Draft } draft)
        {
            await sweep.DeleteAsync(draft, cancellationToken);
        }

        return TypedResults.NoContent();
    }

    private static async Task<DatasetFileRow> ArchiveAsync(string projectId, ImportArchive archive, DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        var version = await versions.GetReadyAsync(projectId, archive.Dataset, archive.Version, cancellationToken);
        return await versions.GetFileAsync(version.Id, archive.Path, cancellationToken);
    }

    private static string Staging(DatasetImportRow row, string name) => ContentAddress.Upload(row.ProjectId, row.Id, name);
}
