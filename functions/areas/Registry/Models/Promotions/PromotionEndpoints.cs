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
        rules.MapGet("/", ListRulesAsync).RequirePermission(Permission.Read)
            .WithOperationId("listPromotionRules").WithSummary("The rules of a model's stages and aliases");
        rules.MapPut("/{kind}/{name}", SetRuleAsync).RequirePermission(Permission.Write)
            .WithOperationId("setPromotionRule").WithSummary("Set the rule of a stage or an alias: versions get there only by approved promotions");
        rules.MapDelete("/{kind}/{name}", DeleteRuleAsync).RequirePermission(Permission.Write)
            .WithOperationId("deletePromotionRule").WithSummary("Take the rule of a stage or an alias away");
        var promotions = routes.MapGroup("/v1/projects/{project}/models/{model}/promotions").WithTags("Promotions");
        promotions.MapPost("/", RequestAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("requestPromotion").WithSummary("Ask to bring a version to a stage or an alias");
        promotions.MapGet("/", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listModelPromotions").WithSummary("List a model's promotions, newest first");
        promotions.MapGet("/{promotion}", GetAsync).RequirePermission(Permission.Read)
            .WithOperationId("getPromotion").WithSummary("A promotion with its evidence");
        promotions.MapPost("/{promotion}/approve", ApproveAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("approvePromotion").WithSummary("Approve: the evidence is checked and the version moves");
        promotions.MapPost("/{promotion}/reject", RejectAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("rejectPromotion").WithSummary("Reject");
        promotions.MapPost("/{promotion}/withdraw", WithdrawAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("withdrawPromotion").WithSummary("Take a request of one's own back");
        routes.MapGet("/v1/projects/{project}/promotions", ListOfProjectAsync).WithTags("Promotions").RequirePermission(Permission.Read)
            .WithOperationId("listPromotions").WithSummary("List the promotions of all models of a project, newest first");
    }

    private static async Task<Ok<IReadOnlyList<PromotionRule>>> ListRulesAsync(
        string project, string model, Caller caller, ProjectAccess projects, ModelStore models, RuleStore store, CancellationToken cancellationToken)
    {
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        return TypedResults.Ok(await store.ListAsync(row.Id, cancellationToken));
    }

    /// <param name="kind"><c>stage</c> or <c>alias</c>.</param>
    /// <param name="name">The stage's or the alias's name.</param>
    private static async Task<Ok<PromotionRule>> SetRuleAsync(
        string project, string model, string kind, string name, SetPromotionRuleRequest request, Caller caller, ProjectAccess projects, ModelStore models, RuleStore store,
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
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        return TypedResults.Ok(await store.SetAsync(row.Id, target, request, Person(caller), cancellationToken));
    }

    /// <param name="kind"><c>stage</c> or <c>alias</c>.</param>
    /// <param name="name">The stage's or the alias's name.</param>
    private static async Task<NoContent> DeleteRuleAsync(
        string project, string model, string kind, string name, Caller caller, ProjectAccess projects, ModelStore models, RuleStore store, CancellationToken cancellationToken)
    {
        var target = Target(new PromotionTarget(EnumText.Parse<PromotionTargetKind>(kind, "kind")!.Value, name));
        var row = await ModelAsync(project, model, Person(caller), projects, models, cancellationToken);
        await store.DeleteAsync(row.Id, target, caller, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Created<ModelPromotion>> RequestAsync(
        string project, string model, RequestPromotionRequest request, Caller caller, ProjectAccess projects, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        Check.Text(request.Comment, "comment", MaxComment);
        var target = Target(request.Target);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var version = await models.GetVersionAsync(projectId, model, request.Version, cancellationToken);
        var archive = request.ArchiveExisting && target.Name is "staging" or "production";
        var promotion = await store.RequestAsync(version, request with { Target = target, ArchiveExisting = archive }, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{projectId}/models/{version.ModelId}/promotions/{promotion.Id}", promotion);
    }

    private static async Task<Ok<Page<ModelPromotion>>> ListAsync(
        string project, string model, string? status, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        var rows = await store.ListAsync(row.ProjectId, row.Id, EnumText.Parse<PromotionStatus>(status, "status"), page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, promotion => promotion.ToContract(), promotion => [promotion.Id]));
    }

    private static async Task<Ok<Page<ModelPromotion>>> ListOfProjectAsync(
        string project, string? status, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, PromotionStore store, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var rows = await store.ListAsync(projectId, null, EnumText.Parse<PromotionStatus>(status, "status"), page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, promotion => promotion.ToContract(), promotion => [promotion.Id]));
    }

    private static async Task<Ok<ModelPromotion>> GetAsync(
        string project, string model, string promotion, Caller caller, ProjectAccess projects, ModelStore models, PromotionStore store, CancellationToken cancellationToken)
    {
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        return TypedResults.Ok(await store.GetAsync(row.Id, promotion, cancellationToken));
    }

    private static async Task<Ok<ModelPromotion>> ApproveAsync(
        string project, string model, string promotion, DecidePromotionRequest? request, Caller caller, ProjectAccess projects, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        request ??= new DecidePromotionRequest();
        Check.Text(request.Comment, "comment", MaxComment);
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        var version = await models.GetVersionAsync(row.ProjectId, row.Id, (await store.GetAsync(row.Id, promotion, cancellationToken)).Version, cancellationToken);
        return TypedResults.Ok(await store.ApproveAsync(version, promotion, request.Comment, caller, cancellationToken));
    }

    private static async Task<Ok<ModelPromotion>> RejectAsync(
        string project, string model, string promotion, DecidePromotionRequest? request, Caller caller, ProjectAccess projects, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        request ??= new DecidePromotionRequest();
        Check.Text(request.Comment, "comment", MaxComment);
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        return TypedResults.Ok(await store.RejectAsync(row.Id, promotion, request.Comment, caller, cancellationToken));
    }

    private static async Task<Ok<ModelPromotion>> WithdrawAsync(
        string project, string model, string promotion, DecidePromotionRequest? request, Caller caller, ProjectAccess projects, ModelStore models, PromotionStore store,
        CancellationToken cancellationToken)
    {
        request ??= new DecidePromotionRequest();
        Check.Text(request.Comment, "comment", MaxComment);
        var row = await ModelAsync(project, model, caller, projects, models, cancellationToken);
        return TypedResults.Ok(await store.WithdrawAsync(row.Id, promotion, request.Comment, caller, cancellationToken));
    }

    private static async Task<ModelRow> ModelAsync(
        string project, string model, Caller caller, ProjectAccess projects, ModelStore models, CancellationToken cancellationToken)
        => await models.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), model, cancellationToken);

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
