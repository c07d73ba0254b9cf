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
        models.MapPatch("/{model}", UpdateModelAsync).RequireAction(RegistryActions.WriteModel)
            .Describe("updateModel", "Change a model's description and tags; honours If-Match").WithIfMatch();
        models.MapGet("/{model}/aliases", ListAliasesAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("listModelAliases", "The aliases of a model");
        models.MapPut("/{model}/aliases/{alias}", SetAliasAsync).RequireAction(RegistryActions.WriteModel)
            .Describe("setModelAlias", "Point an alias at a version");
        models.MapDelete("/{model}/aliases/{alias}", DeleteAliasAsync).RequireAction(RegistryActions.WriteModel)
            .Describe("deleteModelAlias", "Take an alias away");
        models.MapGet("/{model}/moves", ListMovesAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("listModelMoves", "Who moved which version to which stage or alias, newest first");
        models.MapPost("/{model}/versions/compare", CompareAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("compareModelVersions", "Metrics, parameters, signatures and data of several versions side by side");
        models.MapPatch("/{model}/versions/{version:int}", UpdateVersionAsync).RequireAction(RegistryActions.WriteModel).WithBodyLimit(MaxVersionBytes)
            .Describe("updateModelVersion", "Change a version's description, metrics, tags, signature or input example; honours If-Match").WithIfMatch();
        models.MapDelete("/{model}/versions/{version:int}", DeleteVersionAsync).RequireAction(RegistryActions.DeleteModel)
            .Describe("deleteModelVersion", "Delete a version and its aliases");
        models.MapPut("/{model}/versions/{version:int}/stage", SetStageAsync).RequireAction(RegistryActions.WriteStage)
            .Describe("setModelStage", "Move a version to a stage");
        models.MapGet("/{model}/versions/{version:int}/provenance", GetProvenanceAsync).RequireAction(RegistryActions.ReadModel)
            .Describe("getModelProvenance", "All that went into a version: run, job, code, dataset versions, promotions");
        MapCards(models.MapGroup("/{model}/card"), "Model");
        MapCards(models.MapGroup("/{model}/versions/{version:int}/card"), "ModelVersion");
    }

    private static void MapCards(RouteGroupBuilder card, string owner)
    {
        card.MapGet("/", GetCardAsync).RequireAction(RegistryActions.ReadModel)
            .Describe($"get{owner}Card", "The model card, as Markdown");
        card.MapPut("/", WriteCardAsync).RequireAction(RegistryActions.WriteModel)
            .Describe($"write{owner}Card", "Write the next revision of the model card; honours If-Match").WithIfMatch();
        card.MapGet("/history", ListCardsAsync).RequireAction(RegistryActions.ReadModel)
            .Describe($"list{owner}Cards", "All revisions of the model card, newest first");
    }

    private static async Task<Ok<RegisteredModel>> UpdateModelAsync(
        Reached<ModelRow> model, UpdateModelRequest request, HttpRequest http, HttpResponse response, ModelStore store,
        ModelEditor editor, CancellationToken cancellationToken)
    {
        ModelChecks.Description(request.Description);
        ModelChecks.Tags(request.Tags);
        await editor.UpdateAsync(model.Value, request, ETag.Expected(http), cancellationToken);
        var row = await store.GetAsync(model.Value.ProjectId, model.Id, cancellationToken);
        ETag.Set(response, row.Revision);
        return TypedResults.Ok(row.ToContract());
    }

    private static async Task<Ok<IReadOnlyList<ModelAlias>>> ListAliasesAsync(
        Reached<ModelRow> model, ModelEditor editor, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await editor.AliasesAsync(model.Id, cancellationToken));
    }

    private static async Task<Ok<ModelAlias>> SetAliasAsync(
        Reached<ModelRow> model, string alias, SetAliasRequest request, Caller caller, ModelStore store, ModelMoves moves, CancellationToken cancellationToken)
    {
        ModelMoves.CheckAlias(alias, "alias");
        var row = await store.GetVersionAsync(model.Value.ProjectId, model.Id, request.Version, cancellationToken);
        await moves.SetAliasAsync(row.Place, alias, caller, cancellationToken);
        return TypedResults.Ok(new ModelAlias(alias, row.Version));
    }

    private static async Task<NoContent> DeleteAliasAsync(
        Reached<ModelRow> model, string alias, Caller caller, ModelMoves moves, CancellationToken cancellationToken)
    {
        await moves.DeleteAliasAsync(model.Id, model.Value.Name, model.Value.ProjectId, alias, caller, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Page<ModelMove>>> ListMovesAsync(
        Reached<ModelRow> model, [AsParameters] PageRequest page, ModelEditor editor,
        CancellationToken cancellationToken)
    {
        var rows = await editor.MovesAsync(model.Id, page.Number(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, move => move.ToContract(), move => [move.Id.ToString(CultureInfo.InvariantCulture)]));
    }

    private static async Task<Ok<ModelVersionComparison>> CompareAsync(
        Reached<ModelRow> model, CompareModelVersionsRequest request, ModelStore store, VersionComparison comparison,
        CancellationToken cancellationToken)
    {
        Check.That(request.Versions.Count is >= 2 and <= MaxCompared, "versions", "count", 2, MaxCompared);
        var rows = new List<ModelVersionRow>(request.Versions.Count);
        foreach (var version in request.Versions.Distinct())
        {
            rows.Add(await store.GetVersionAsync(model.Value.ProjectId, model.Id, version, cancellationToken));
        }

        return TypedResults.Ok(await comparison.ReadAsync(await store.CompleteAsync(rows, cancellationToken), cancellationToken));
    }

    private static async Task<Ok<ModelVersion>> UpdateVersionAsync(
        Reached<ModelVersionRow> version, UpdateModelVersionRequest request, HttpRequest http, HttpResponse response, ModelStore store, ModelEditor editor, CancellationToken cancellationToken)
    {
        ModelChecks.Description(request.Description);
        ModelChecks.Metrics(request.Metrics);
        ModelChecks.Tags(request.Tags);
        ModelChecks.Signature(request.Signature);
        ModelChecks.Json(request.InputExample, "inputExample");
        await editor.UpdateAsync(version.Value, request, ETag.Expected(http), cancellationToken);
        var row = await store.GetVersionAsync(version.Value.ProjectId, version.Value.ModelId, version.Value.Version, cancellationToken);
        ETag.Set(response, row.Revision);
        return TypedResults.Ok((await store.CompleteAsync([row], cancellationToken))[0]);
    }

    private static async Task<NoContent> DeleteVersionAsync(
        Reached<ModelVersionRow> version, ModelEditor editor, CancellationToken cancellationToken)
    {
        await editor.DeleteAsync(version.Value, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<ModelVersion>> SetStageAsync(
        Reached<ModelVersionRow> version, SetStageRequest request, Caller caller, ModelStore store, ModelMoves moves, CancellationToken cancellationToken)
    {
        await moves.SetStageAsync(version.Value.Place, request.Stage, request.ArchiveExisting, caller, cancellationToken);
        var row = await store.GetVersionAsync(version.Value.ProjectId, version.Value.ModelId, version.Value.Version, cancellationToken);
        return TypedResults.Ok((await store.CompleteAsync([row], cancellationToken))[0]);
    }

    private static async Task<Ok<ModelProvenance>> GetProvenanceAsync(
        Reached<ModelVersionRow> version, ModelStore store, ProvenanceReader provenance, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await provenance.ReadAsync(version.Value, (await store.CompleteAsync([version.Value], cancellationToken))[0], cancellationToken));
    }

    private static async Task<Ok<ModelCard>> GetCardAsync(
        Reached<CardOwner> owner, HttpResponse response, CardStore cards,
        CancellationToken cancellationToken)
    {
        var card = await cards.GetAsync(owner.Value.ModelId, owner.Value.Version, cancellationToken);
        ETag.Set(response, card.Revision);
        return TypedResults.Ok(card);
    }

    private static async Task<Ok<ModelCard>> WriteCardAsync(
        Reached<CardOwner> owner, WriteModelCardRequest request, Caller caller, HttpRequest http, HttpResponse response, CardStore cards, CancellationToken cancellationToken)
    {
        Check.Length(request.Text, "text", 0, MaxCard);
        var card = await cards.WriteAsync(owner.Value.ModelId, owner.Value.Version, request.Text, ETag.Expected(http), caller, cancellationToken);
        ETag.Set(response, card.Revision);
        return TypedResults.Ok(card);
    }

    private static async Task<Ok<Page<ModelCard>>> ListCardsAsync(
        Reached<CardOwner> owner, [AsParameters] PageRequest page, CardStore cards,
        CancellationToken cancellationToken)
    {
        var rows = await cards.ListAsync(owner.Value.ModelId, owner.Value.Version, page.Number(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, card => card, card => [card.Revision.ToString(CultureInfo.InvariantCulture)]));
    }
}
