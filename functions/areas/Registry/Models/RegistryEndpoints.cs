using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Registry.Models;

/// <summary>Routes of what is said about models and versions: descriptions, tags, signatures, aliases, stages, cards, comparison, provenance.</summary>
internal static class RegistryEndpoints
{
    private const int MaxCompared = 50;
    private const int MaxCard = 200_000;

    /// <summary>A description, a signature and an input example.</summary>
    private const long MaxVersionBytes = 4 * 1024 * 1024;

    /// <summary>Maps the routes below a model.</summary>
    public static void Map(RouteGroupBuilder models)
    {
        models.MapPatch("/{model}", UpdateModelAsync).RequirePermission(Permission.Write)
            .WithOperationId("updateModel").WithIfMatch().WithSummary("Change a model's description and tags; honours If-Match");
        models.MapGet("/{model}/aliases", ListAliasesAsync).RequirePermission(Permission.Read)
            .WithOperationId("listModelAliases").WithSummary("The aliases of a model");
        models.MapPut("/{model}/aliases/{alias}", SetAliasAsync).RequirePermission(Permission.Write)
            .WithOperationId("setModelAlias").WithSummary("Point an alias at a version");
        models.MapDelete("/{model}/aliases/{alias}", DeleteAliasAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteModelAlias").WithSummary("Take an alias away");
        models.MapGet("/{model}/moves", ListMovesAsync).RequirePermission(Permission.Read)
            .WithOperationId("listModelMoves").WithSummary("Who moved which version to which stage or alias, newest first");
        models.MapPost("/{model}/versions/compare", CompareAsync).RequirePermission(Permission.Read)
            .WithOperationId("compareModelVersions").WithSummary("Metrics, parameters, signatures and data of several versions side by side");
        models.MapPatch("/{model}/versions/{version:int}", UpdateVersionAsync).RequirePermission(Permission.Write).WithBodyLimit(MaxVersionBytes)
            .WithOperationId("updateModelVersion").WithIfMatch().WithSummary("Change a version's description, metrics, tags, signature or input example; honours If-Match");
        models.MapDelete("/{model}/versions/{version:int}", DeleteVersionAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteModelVersion").WithSummary("Delete a version and its aliases");
        models.MapPut("/{model}/versions/{version:int}/stage", SetStageAsync).RequirePermission(Permission.Write)
            .WithOperationId("setModelStage").WithSummary("Move a version to a stage");
        models.MapGet("/{model}/versions/{version:int}/provenance", GetProvenanceAsync).RequirePermission(Permission.Read)
            .WithOperationId("getModelProvenance").WithSummary("All that went into a version: run, job, code, dataset versions, promotions");
        MapCards(models.MapGroup("/{model}/card"), "Model");
        MapCards(models.MapGroup("/{model}/versions/{version:int}/card"), "ModelVersion");
    }

    private static void MapCards(RouteGroupBuilder card, string owner)
    {
        card.MapGet("/", GetCardAsync).RequirePermission(Permission.Read)
            .WithOperationId($"get{owner}Card").WithSummary("The model card, as Markdown");
        card.MapPut("/", WriteCardAsync).RequirePermission(Permission.Write)
            .WithOperationId($"write{owner}Card").WithIfMatch().WithSummary("Write the next revision of the model card; honours If-Match");
        card.MapGet("/history", ListCardsAsync).RequirePermission(Permission.Read)
            .WithOperationId($"list{owner}Cards").WithSummary("All revisions of the model card, newest first");
    }

    private static async Task<Ok<RegisteredModel>> UpdateModelAsync(
        string project, string model, UpdateModelRequest request, Caller caller, HttpRequest http, HttpResponse response, ProjectAccess projects, ModelStore store,
        ModelEditor editor, CancellationToken cancellationToken)
    {
        ModelChecks.Description(request.Description);
        ModelChecks.Tags(request.Tags);
        var row = await ModelAsync(project, model, caller, projects, store, cancellationToken);
        await editor.UpdateAsync(row, request, ETag.Expected(http), cancellationToken);
        row = await store.GetAsync(row.ProjectId, row.Id, cancellationToken);
        ETag.Set(response, row.Revision);
        return TypedResults.Ok(row.ToContract());
    }

    private static async Task<Ok<IReadOnlyList<ModelAlias>>> ListAliasesAsync(
        string project, string model, Caller caller, ProjectAccess projects, ModelStore store, ModelEditor editor, CancellationToken cancellationToken)
    {
        var row = await ModelAsync(project, model, caller, projects, store, cancellationToken);
        return TypedResults.Ok(await editor.AliasesAsync(row.Id, cancellationToken));
    }

    private static async Task<Ok<ModelAlias>> SetAliasAsync(
        string project, string model, string alias, SetAliasRequest request, Caller caller, ProjectAccess projects, ModelStore store, ModelMoves moves, Database database,
        CancellationToken cancellationToken)
    {
        ModelMoves.CheckAlias(alias, "alias");
        var row = await VersionAsync(project, model, request.Version, caller, projects, store, cancellationToken);
        await database.InWorkAsync(work => moves.SetAliasAsync(work, row.Place, alias, null, caller), cancellationToken);
        return TypedResults.Ok(new ModelAlias(alias, row.Version));
    }

    private static async Task<NoContent> DeleteAliasAsync(
        string project, string model, string alias, Caller caller, ProjectAccess projects, ModelStore store, ModelMoves moves, Database database,
        CancellationToken cancellationToken)
    {
        var row = await ModelAsync(project, model, caller, projects, store, cancellationToken);
        await database.InWorkAsync(work => moves.DeleteAliasAsync(work, row.Id, row.Name, row.ProjectId, alias, caller), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Page<ModelMove>>> ListMovesAsync(
        string project, string model, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, ModelStore store, ModelEditor editor,
        CancellationToken cancellationToken)
    {
        var row = await ModelAsync(project, model, caller, projects, store, cancellationToken);
        var rows = await editor.MovesAsync(row.Id, page.Number(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, move => move.ToContract(), move => [move.Id.ToString(CultureInfo.InvariantCulture)]));
    }

    private static async Task<Ok<ModelVersionComparison>> CompareAsync(
        string project, string model, CompareModelVersionsRequest request, Caller caller, ProjectAccess projects, ModelStore store, Database database,
        CancellationToken cancellationToken)
    {
        Check.That(request.Versions.Count is >= 2 and <= MaxCompared, "versions", "count", 2, MaxCompared);
        var row = await ModelAsync(project, model, caller, projects, store, cancellationToken);
        var rows = new List<ModelVersionRow>(request.Versions.Count);
        foreach (var version in request.Versions.Distinct())
        {
            rows.Add(await store.GetVersionAsync(row.ProjectId, row.Id, version, cancellationToken));
        }

        return TypedResults.Ok(await VersionComparison.ReadAsync(database, await store.CompleteAsync(rows, cancellationToken), cancellationToken));
    }

    private static async Task<Ok<ModelVersion>> UpdateVersionAsync(
        string project, string model, int version, UpdateModelVersionRequest request, Caller caller, HttpRequest http, HttpResponse response, ProjectAccess projects,
        ModelStore store, ModelEditor editor, CancellationToken cancellationToken)
    {
        ModelChecks.Description(request.Description);
        ModelChecks.Metrics(request.Metrics);
        ModelChecks.Tags(request.Tags);
        ModelChecks.Signature(request.Signature);
        ModelChecks.Json(request.InputExample, "inputExample");
        var row = await VersionAsync(project, model, version, caller, projects, store, cancellationToken);
        await editor.UpdateAsync(row, request, ETag.Expected(http), cancellationToken);
        row = await store.GetVersionAsync(row.ProjectId, row.ModelId, version, cancellationToken);
        ETag.Set(response, row.Revision);
        return TypedResults.Ok((await store.CompleteAsync([row], cancellationToken))[0]);
    }

    private static async Task<NoContent> DeleteVersionAsync(
        string project, string model, int version, Caller caller, ProjectAccess projects, ModelStore store, ModelEditor editor, CancellationToken cancellationToken)
    {
        await editor.DeleteAsync(await VersionAsync(project, model, version, caller, projects, store, cancellationToken), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<ModelVersion>> SetStageAsync(
        string project, string model, int version, SetStageRequest request, Caller caller, ProjectAccess projects, ModelStore store, ModelMoves moves, Database database,
        CancellationToken cancellationToken)
    {
        var row = await VersionAsync(project, model, version, caller, projects, store, cancellationToken);
        await database.InWorkAsync(work => moves.SetStageAsync(work, row.Place, request.Stage, request.ArchiveExisting, null, caller), cancellationToken);
        row = await store.GetVersionAsync(row.ProjectId, row.ModelId, version, cancellationToken);
        return TypedResults.Ok((await store.CompleteAsync([row], cancellationToken))[0]);
    }

    private static async Task<Ok<ModelProvenance>> GetProvenanceAsync(
        string project, string model, int version, Caller caller, ProjectAccess projects, ModelStore store, ProvenanceReader provenance, CancellationToken cancellationToken)
    {
        var row = await VersionAsync(project, model, version, caller, projects, store, cancellationToken);
        return TypedResults.Ok(await provenance.ReadAsync(row, (await store.CompleteAsync([row], cancellationToken))[0], cancellationToken));
    }

    private static async Task<Ok<ModelCard>> GetCardAsync(
        string project, string model, int? version, Caller caller, HttpResponse response, ProjectAccess projects, ModelStore store, CardStore cards,
        CancellationToken cancellationToken)
    {
        var modelId = await CardOwnerAsync(project, model, version, caller, projects, store, cancellationToken);
        var card = await cards.GetAsync(modelId, version ?? CardStore.OfModel, cancellationToken);
        ETag.Set(response, card.Revision);
        return TypedResults.Ok(card);
    }

    private static async Task<Ok<ModelCard>> WriteCardAsync(
        string project, string model, int? version, WriteModelCardRequest request, Caller caller, HttpRequest http, HttpResponse response, ProjectAccess projects,
        ModelStore store, CardStore cards, CancellationToken cancellationToken)
    {
        Check.Length(request.Text, "text", 0, MaxCard);
        var modelId = await CardOwnerAsync(project, model, version, caller, projects, store, cancellationToken);
        var card = await cards.WriteAsync(modelId, version ?? CardStore.OfModel, request.Text, ETag.Expected(http), caller, cancellationToken);
        ETag.Set(response, card.Revision);
        return TypedResults.Ok(card);
    }

    private static async Task<Ok<Page<ModelCard>>> ListCardsAsync(
        string project, string model, int? version, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, ModelStore store, CardStore cards,
        CancellationToken cancellationToken)
    {
        var modelId = await CardOwnerAsync(project, model, version, caller, projects, store, cancellationToken);
        var rows = await cards.ListAsync(modelId, version ?? CardStore.OfModel, page.Number(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, card => card, card => [card.Revision.ToString(CultureInfo.InvariantCulture)]));
    }

    private static async Task<string> CardOwnerAsync(
        string project, string model, int? version, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
        => version is { } number
            ? (await VersionAsync(project, model, number, caller, projects, store, cancellationToken)).ModelId
            : (await ModelAsync(project, model, caller, projects, store, cancellationToken)).Id;

    private static async Task<ModelRow> ModelAsync(
        string project, string model, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
        => await store.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), model, cancellationToken);

    private static async Task<ModelVersionRow> VersionAsync(
        string project, string model, int version, Caller caller, ProjectAccess projects, ModelStore store, CancellationToken cancellationToken)
        => await store.GetVersionAsync(await projects.RequireAsync(project, caller, cancellationToken), model, version, cancellationToken);
}
