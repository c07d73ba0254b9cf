using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>Routes of promotions and of the rules of their targets.</summary>
internal static class PromotionEndpoints
{
    private const int MaxComment = 4_000;
    private const int MaxThresholds = 50;
    private const int MaxHours = 8_760;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var rules = routes.MapGroup("/v1/projects/{project}/models/{model}/promotion-rules").WithTags("Promotions");
        rules.MapGet("/", ListRulesAsync).RequireAction(RegistryActions.ReadPromotion)
            .Describe("listPromotionRules", "The rules of a model's stages and aliases");
        rules.MapPut("/{kind}/{name}", SetRuleAsync).RequireAction(RegistryActions.ManagePromotion)
            .Describe("setPromotionRule", "Set the rule of a stage or an alias: versions get there only by approved promotions");
        rules.MapDelete("/{kind}/{name}", DeleteRuleAsync).RequireAction(RegistryActions.ManagePromotion)
            .Describe("deletePromotionRule", "Take the rule of a stage or an alias away");
        var promotions = routes.MapGroup("/v1/projects/{project}/models/{model}/promotions").WithTags("Promotions");
        promotions.MapPost("/", RequestAsync).RequireAction(RegistryActions.WritePromotion).WithIdempotency()
            .Describe("requestPromotion", "Ask to bring a version to a stage or an alias");
        promotions.MapGet("/", ListAsync).RequireAction(RegistryActions.ReadPromotion)
            .Describe("listModelPromotions", "List a model's promotions, newest first");
        promotions.MapGet("/{promotion}", GetAsync).RequireAction(RegistryActions.ReadPromotion)
            .Describe("getPromotion", "A promotion with its evidence");
        promotions.MapPost("/{promotion}/approve", ApproveAsync).RequireAction(RegistryActions.ApprovePromotion).WithIdempotency()
            .Describe("approvePromotion", "Approve: the evidence is checked and the version moves");
        promotions.MapPost("/{promotion}/reject", RejectAsync).RequireAction(RegistryActions.ApprovePromotion).WithIdempotency()
            .Describe("rejectPromotion", "Reject");
        promotions.MapPost("/{promotion}/withdraw", WithdrawAsync).RequireAction(RegistryActions.WritePromotion).WithIdempotency()
            .Describe("withdrawPromotion", "Take a request of one's own back");
        routes.MapGet("/v1/projects/{project}/promotions", ListOfProjectAsync).WithTags("Promotions").RequireAction(RegistryActions.ReadPromotion)
            .Describe("listPromotions", "List the promotions of all models of a project, newest first");
    }

    private static async Task<Ok<IReadOnlyList<PromotionRule>>> ListRulesAsync(
        Reached<ModelRow> model, RuleStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await store.ListAsync(model.Id, cancellationToken));
    }

    /// <param name="kind"><c>stage</c> or <c>alias</c>.</param>
    /// <param name="name">The stage's or the alias's name.</param>
    private static async Task<Ok<PromotionRule>> SetRuleAsync(
        Reached<ModelRow> model, string kind, string name, SetPromotionRuleRequest request, Caller caller, RuleStore store,
        CancellationToken cancellationToken)
    {
        var target = Target(new PromotionTarget(EnumText.Parse<PromotionTargetKind>(kind, "kind")!.Value, name));
        Check.That(request.Thresholds is null or { Count: <= MaxThresholds }, "thresholds", "count", 0, MaxThresholds);
        foreach (var threshold in request.Thresholds ?? [])
        {
            Check.Length(threshold.Metric, "thresholds.metric", 1, 250);
            Check.That(double.IsFinite(threshold.Value), "thresholds.value", "wrongType");
        }

        Check.Range(request.MinQualityScore ?? 0, "minQualityScore", 0, 100);
        Check.That(request.MinQualityScore is null || request.RequireQualityReport, "minQualityScore", "needs", "requireQualityReport");
        Check.Range(request.ExpiresAfterHours, "expiresAfterHours", 1, MaxHours);
        return TypedResults.Ok(await store.SetAsync(model.Id, target, request, Person(caller), cancellationToken));
    }

    /// <param name="kind"><c>stage</c> or <c>alias</c>.</param>
    /// <param name="name">The stage's or the alias's name.</param>
    private static async Task<NoContent> DeleteRuleAsync(
        Reached<ModelRow> model, string kind, string name, Caller caller, RuleStore store, CancellationToken cancellationToken)
    {
        var target = Target(new PromotionTarget(EnumText.Parse<PromotionTargetKind>(kind, "kind")!.Value, name));
        await store.DeleteAsync(model.Id, target, Person(caller), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Created<ModelPromotion>> RequestAsync(
        Reached<ModelRow> model, RequestPromotionRequest request, Caller caller, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        Check.Text(request.Comment, "comment", MaxComment);
        var target = Target(request.Target);
        var version = await models.GetVersionAsync(model.Value.ProjectId, model.Id, request.Version, cancellationToken);
        var archive = request.ArchiveExisting && target.Name is "staging" or "production";
        var promotion = await store.RequestAsync(version, request with { Target = target, ArchiveExisting = archive }, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{model.Value.ProjectId}/models/{model.Id}/promotions/{promotion.Id}", promotion);
    }

    private static async Task<Ok<Page<ModelPromotion>>> ListAsync(
        Reached<ModelRow> model, string? status, [AsParameters] PageRequest page, PromotionStore store,
        CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(model.Value.ProjectId, model.Id, EnumText.Parse<PromotionStatus>(status, "status"), page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, promotion => promotion.ToContract(), promotion => [promotion.Id]));
    }

    private static async Task<Ok<Page<ModelPromotion>>> ListOfProjectAsync(
        Reached<ProjectIdentity> project, string? status, [AsParameters] PageRequest page, PromotionStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(project.Id, null, EnumText.Parse<PromotionStatus>(status, "status"), page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, promotion => promotion.ToContract(), promotion => [promotion.Id]));
    }

    private static async Task<Ok<ModelPromotion>> GetAsync(
        Reached<ModelRow> model, string promotion, PromotionStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await store.GetAsync(model.Id, promotion, cancellationToken));
    }

    private static async Task<Ok<ModelPromotion>> ApproveAsync(
        Reached<ModelRow> model, string promotion, DecidePromotionRequest? request, Caller caller, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        request ??= new DecidePromotionRequest();
        Check.Text(request.Comment, "comment", MaxComment);
        var version = await models.GetVersionAsync(model.Value.ProjectId, model.Id, (await store.GetAsync(model.Id, promotion, cancellationToken)).Version, cancellationToken);
        return TypedResults.Ok(await store.ApproveAsync(version, promotion, request.Comment, caller, cancellationToken));
    }

    private static async Task<Ok<ModelPromotion>> RejectAsync(
        Reached<ModelRow> model, string promotion, DecidePromotionRequest? request, Caller caller, PromotionStore store,
        CancellationToken cancellationToken)
    {
        request ??= new DecidePromotionRequest();
        Check.Text(request.Comment, "comment", MaxComment);
        return TypedResults.Ok(await store.RejectAsync(model.Id, promotion, request.Comment, caller, cancellationToken));
    }

    private static async Task<Ok<ModelPromotion>> WithdrawAsync(
        Reached<ModelRow> model, string promotion, DecidePromotionRequest? request, Caller caller, PromotionStore store,
        CancellationToken cancellationToken)
    {
        request ??= new DecidePromotionRequest();
        Check.Text(request.Comment, "comment", MaxComment);
        return TypedResults.Ok(await store.WithdrawAsync(model.Id, promotion, request.Comment, caller, cancellationToken));
    }

    // Whoever could change the rule could do without the approval: a pipeline must not.
    private static Caller Person(Caller caller) => caller.Role is CallerRole.Member or CallerRole.Administrator ? caller : throw new ApiException(ErrorCodes.Forbidden);

    private static PromotionTarget Target(PromotionTarget target)
    {
        if (target.Kind == PromotionTargetKind.Alias)
        {
            return target with { Name = ModelMoves.CheckAlias(target.Name, "target.name") };
        }

        var stage = EnumText.Parse<ModelStage>(target.Name, "target.name");
        Check.That(stage is ModelStage.Staging or ModelStage.Production, "target.name", "oneOf", "staging, production");
        return target;
    }
}
