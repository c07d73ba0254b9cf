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
    public static IServiceCollection AddModels(this IServiceCollection services) => services.AddReach<ModelRow, ModelStore>().AddReach<ModelVersionRow, ModelStore>().AddReach<CardOwner, ModelStore>().AddSingleton<ModelRegistration>()
        .AddGarbage<RegistryGarbage>().AddSingleton<VersionWriter>().AddSingleton<RegistryReader>().AddSingleton<RegistryEditor>()
        .AddSingleton<ModelMoves>().AddSingleton<ModelEditor>().AddSingleton<CardStore>().AddSingleton<ProvenanceReader>()
        .AddSingleton<RuleStore>().AddSingleton<EvidenceReader>().AddSingleton<PromotionStore>().AddSingleton<ITickTask, PromotionExpiry>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapModelEndpoints(this IEndpointRouteBuilder routes)
    {
        var models = routes.MapGroup("/v1/projects/{project}/models").WithTags("Models");
        models.MapPost("/", CreateAsync).RequireAction(RegistryActions.WriteModel).WithIdempotency()
            .Describe("createModel", "Create a registered model");
        models.MapGet("/", ListAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("listModels", "List registered models, newest first");
        models.MapGet("/{model}", Get).RequireAction(RegistryActions.ReadModel)
            .Describe("getModel", "Get a registered model by id or name");
        models.MapDelete("/{model}", DeleteAsync).RequireAction(RegistryActions.DeleteModel)
            .Describe("deleteModel", "Delete a registered model");
        models.MapPost("/{model}/restore", RestoreAsync).RequireAction(RegistryActions.WriteModel)
            .Describe("restoreModel", "Restore a deleted model by id");
        models.MapPost("/{model}/versions", RegisterAsync).RequireAction(RegistryActions.WriteModel).WithIdempotency().WithBodyLimit(MaxVersionBytes)
            .Describe("createModelVersion", "Register a version from an artifact of a run");
        models.MapGet("/{model}/versions", ListVersionsAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("listModelVersions", "List versions, newest first");
        models.MapGet("/{model}/versions/{version:int}", GetVersionAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("getModelVersion", "Get a version with its lineage and a download URL");
        RegistryEndpoints.Map(models);
        PromotionEndpoints.Map(routes);
        routes.MapPost("/v1/jobs/{job}/model", RegisterJobAsync).WithTags("Jobs").RequireAction(RegistryActions.OrchestrateModel)
            .Describe("registerJobModel", "Register a job's best model");
        return routes;
    }

    private static async Task<Created<RegisteredModel>> CreateAsync(
        Reached<ProjectIdentity> project, CreateModelRequest request, Caller caller, ModelStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", 10_000);
        var model = await store.CreateAsync(project.Id, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{project.Id}/models/{model.Id}", model.ToContract());
    }

    private static async Task<Ok<Page<RegisteredModel>>> ListAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, ModelStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(project.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static Ok<RegisteredModel> Get(Reached<ModelRow> model, HttpResponse response)
    {
        ETag.Set(response, model.Value.Revision);
        return TypedResults.Ok(model.Value.ToContract());
    }

    private static async Task<NoContent> DeleteAsync(
        Reached<ProjectIdentity> project, string model, ModelStore store, CancellationToken cancellationToken)
    {
        await store.SetDeletedAsync(project.Id, model, deleted: true, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<RegisteredModel>> RestoreAsync(
        Reached<ProjectIdentity> project, string model, ModelStore store, CancellationToken cancellationToken)
    {
        await store.SetDeletedAsync(project.Id, model, deleted: false, cancellationToken);
        return TypedResults.Ok((await store.GetAsync(project.Id, model, cancellationToken)).ToContract());
    }

    private static async Task<Created<ModelVersion>> RegisterAsync(
        Reached<ModelRow> model, CreateModelVersionRequest request, Caller caller, IRunAccess runs, ModelStore store,
        ModelRegistration registration, CancellationToken cancellationToken)
    {
        ModelChecks.Description(request.Description);
        ModelChecks.Metrics(request.Metrics);
        ModelChecks.Tags(request.Tags?.ToDictionary(tag => tag.Key, tag => (string?)tag.Value));
        ModelChecks.Signature(request.Signature);
        ModelChecks.Json(request.InputExample, "inputExample");

        var run = await runs.RequireAsync(request.RunId, caller, cancellationToken);
        if (run.ProjectId != model.Value.ProjectId)
        {
            throw ApiException.NotFound("run", request.RunId);
        }

        var version = await registration.RegisterAsync(model.Value, run, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{model.Value.ProjectId}/models/{model.Id}/versions/{version.Version}", (await store.CompleteAsync([version], cancellationToken))[0]);
    }

    private static async Task<Ok<Page<ModelVersion>>> ListVersionsAsync(
        Reached<ModelRow> model, [AsParameters] PageRequest page, ModelStore store, CancellationToken cancellationToken)
    {
        int? before = page.Key() is not { } key ? null : int.TryParse(key, out var number) ? number : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };
        var versions = await store.ListVersionsAsync(model.Id, before, page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(await store.CompleteAsync(versions, cancellationToken), version => version, version => [$"{version.Version}"]));
    }

    private static async Task<Ok<ModelVersion>> GetVersionAsync(
        Reached<ModelVersionRow> version, HttpResponse response, ModelStore store,
        IRunArtifacts artifacts, CancellationToken cancellationToken)
    {
        ETag.Set(response, version.Value.Revision);
        var url = version.Value is { RunId: { } run, Hex: { } hex, ArtifactPath: { } path }
            ? await artifacts.DownloadUrlAsync(run, hex, path, cancellationToken)
            : null;
        return TypedResults.Ok((await store.CompleteAsync([version.Value], cancellationToken))[0] with { DownloadUrl = url });
    }

    private static async Task<Results<Ok<ModelVersion>, NoContent>> RegisterJobAsync(
        string job, Caller caller, ModelRegistration registration, ModelStore store, CancellationToken cancellationToken)
        => await registration.RegisterJobAsync(job, caller, cancellationToken) is { } version
            ? TypedResults.Ok((await store.CompleteAsync([version], cancellationToken))[0])
            : TypedResults.NoContent();
}
