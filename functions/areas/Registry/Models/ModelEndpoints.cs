using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Tracking;
using AiPlatform.Registry.Models.Promotions;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Registry.Models;

/// <summary>Routes of the model registry.</summary>
internal static class ModelEndpoints
{
    /// <summary>A description, a signature and an input example.</summary>
    private const long MaxVersionBytes = 4 * 1024 * 1024;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services) => services.AddSingleton<ModelStore>().AddSingleton<ModelRegistration>()
        .AddGarbage<RegistryGarbage>().AddSingleton<VersionWriter>().AddSingleton<RegistryReader>().AddSingleton<RegistryEditor>()
        .AddSingleton<ModelMoves>().AddSingleton<ModelEditor>().AddSingleton<CardStore>().AddSingleton<ProvenanceReader>()
        .AddSingleton<RuleStore>().AddSingleton<EvidenceReader>().AddSingleton<PromotionStore>().AddSingleton<ITickTask, PromotionExpiry>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapModelEndpoints(this IEndpointRouteBuilder routes)
    {
        var models = routes.MapGroup("/v1/projects/{project}/models").WithTags("Models");
        models.MapPost("/", CreateAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("createModel").WithSummary("Create a registered model");
        models.MapGet("/", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listModels").WithSummary("List registered models, newest first");
        models.MapGet("/{model}", GetAsync).RequirePermission(Permission.Read)
            .WithOperationId("getModel").WithSummary("Get a registered model by id or name");
        models.MapDelete("/{model}", DeleteAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteModel").WithSummary("Delete a registered model");
        models.MapPost("/{model}/restore", RestoreAsync).RequirePermission(Permission.Write)
            .WithOperationId("restoreModel").WithSummary("Restore a deleted model by id");
        models.MapPost("/{model}/versions", RegisterAsync).RequirePermission(Permission.Write).WithIdempotency().WithBodyLimit(MaxVersionBytes)
            .WithOperationId("createModelVersion").WithSummary("Register a version from an artifact of a run");
        models.MapGet("/{model}/versions", ListVersionsAsync).RequirePermission(Permission.Read)
            .WithOperationId("listModelVersions").WithSummary("List versions, newest first");
        models.MapGet("/{model}/versions/{version:int}", GetVersionAsync).RequirePermission(Permission.Read)
            .WithOperationId("getModelVersion").WithSummary("Get a version with its lineage and a download URL");
        RegistryEndpoints.Map(models);
        PromotionEndpoints.Map(routes);
        routes.MapPost("/v1/jobs/{job}/model", RegisterJobAsync).WithTags("Jobs").RequirePermission(Permission.Orchestrate)
            .WithOperationId("registerJobModel").WithSummary("Register a job's best model");
        return routes;
    }

    private static async Task<Created<RegisteredModel>> CreateAsync(
        string project, CreateModelRequest request, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", 10_000);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var model = await store.CreateAsync(projectId, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{projectId}/models/{model.Id}", model.ToContract());
    }

    private static async Task<Ok<Page<RegisteredModel>>> ListAsync(
        string project, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var rows = await store.ListAsync(projectId, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static async Task<Ok<RegisteredModel>> GetAsync(
        string project, string model, Caller caller, HttpResponse response, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await store.GetAsync(projectId, model, cancellationToken);
        ETag.Set(response, row.Revision);
        return TypedResults.Ok(row.ToContract());
    }

    private static async Task<NoContent> DeleteAsync(
        string project, string model, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await store.SetDeletedAsync(projectId, model, deleted: true, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<RegisteredModel>> RestoreAsync(
        string project, string model, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await store.SetDeletedAsync(projectId, model, deleted: false, cancellationToken);
        return TypedResults.Ok((await store.GetAsync(projectId, model, cancellationToken)).ToContract());
    }

    private static async Task<Created<ModelVersion>> RegisterAsync(
        string project, string model, CreateModelVersionRequest request, Caller caller, ProjectAccess projects, IRunAccess runs, ModelStore store,
        ModelRegistration registration, CancellationToken cancellationToken)
    {
        ModelChecks.Description(request.Description);
        ModelChecks.Metrics(request.Metrics);
        ModelChecks.Tags(request.Tags?.ToDictionary(tag => tag.Key, tag => (string?)tag.Value));
        ModelChecks.Signature(request.Signature);
        ModelChecks.Json(request.InputExample, "inputExample");

        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await store.GetAsync(projectId, model, cancellationToken);
        var run = await runs.RequireAsync(request.RunId, caller, cancellationToken);
        if (run.ProjectId != projectId)
        {
            throw ApiException.NotFound("run", request.RunId);
        }

        var version = await registration.RegisterAsync(row, run, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{projectId}/models/{row.Id}/versions/{version.Version}", (await store.CompleteAsync([version], cancellationToken))[0]);
    }

    private static async Task<Ok<Page<ModelVersion>>> ListVersionsAsync(
        string project, string model, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await store.GetAsync(projectId, model, cancellationToken);
        int? before = page.Key() is not { } key ? null : int.TryParse(key, out var number) ? number : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };
        var versions = await store.ListVersionsAsync(row.Id, before, page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(await store.CompleteAsync(versions, cancellationToken), version => version, version => [$"{version.Version}"]));
    }

    private static async Task<Ok<ModelVersion>> GetVersionAsync(
        string project, string model, int version, Caller caller, HttpResponse response, ProjectAccess projects, ModelStore store,
        IRunArtifacts artifacts, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await store.GetVersionAsync(projectId, model, version, cancellationToken);
        ETag.Set(response, row.Revision);
        var url = row is { RunId: { } run, Hex: { } hex, ArtifactPath: { } path }
            ? await artifacts.DownloadUrlAsync(run, hex, path, cancellationToken)
            : null;
        return TypedResults.Ok((await store.CompleteAsync([row], cancellationToken))[0] with { DownloadUrl = url });
    }

    private static async Task<Results<Ok<ModelVersion>, NoContent>> RegisterJobAsync(
        string job, Caller caller, ModelRegistration registration, ModelStore store, CancellationToken cancellationToken)
        => await registration.RegisterJobAsync(job, caller, cancellationToken) is { } version
            ? TypedResults.Ok((await store.CompleteAsync([version], cancellationToken))[0])
            : TypedResults.NoContent();
}
