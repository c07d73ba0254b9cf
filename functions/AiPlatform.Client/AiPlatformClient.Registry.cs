using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Creates a registered model.</summary>
    public Task<RegisteredModel> CreateModelAsync(string project, CreateModelRequest request, CancellationToken cancellationToken)
        => PostAsync<RegisteredModel>($"v1/projects/{Escape(project)}/models", request, cancellationToken);

    /// <summary>Changes a model's description and tags.</summary>
    public Task<RegisteredModel> UpdateModelAsync(string project, string model, UpdateModelRequest request, long? expectedRevision, CancellationToken cancellationToken)
        => SendAsync<RegisteredModel>(HttpMethod.Patch, Model(project, model), Json(request), cancellationToken, IfMatch(expectedRevision));

    /// <summary>Registers an artifact of a run as the next version.</summary>
    public Task<ModelVersion> CreateModelVersionAsync(string project, string model, CreateModelVersionRequest request, CancellationToken cancellationToken)
        => PostAsync<ModelVersion>($"{Model(project, model)}/versions", request, cancellationToken);

    /// <summary>Changes what a version says about itself.</summary>
    public Task<ModelVersion> UpdateModelVersionAsync(
        string project, string model, int version, UpdateModelVersionRequest request, long? expectedRevision, CancellationToken cancellationToken)
        => SendAsync<ModelVersion>(HttpMethod.Patch, $"{Model(project, model)}/versions/{version}", Json(request), cancellationToken, IfMatch(expectedRevision));

    /// <summary>Deletes a version and its aliases.</summary>
    public Task DeleteModelVersionAsync(string project, string model, int version, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"{Model(project, model)}/versions/{version}", null, cancellationToken);

    /// <summary>Points an alias at a version.</summary>
    public Task<ModelAlias> SetModelAliasAsync(string project, string model, string alias, SetAliasRequest request, CancellationToken cancellationToken)
        => SendAsync<ModelAlias>(HttpMethod.Put, $"{Model(project, model)}/aliases/{Escape(alias)}", Json(request), cancellationToken);

    /// <summary>Takes an alias away.</summary>
    public Task DeleteModelAliasAsync(string project, string model, string alias, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"{Model(project, model)}/aliases/{Escape(alias)}", null, cancellationToken);

    /// <summary>Moves a version to a stage.</summary>
    public Task<ModelVersion> SetModelStageAsync(string project, string model, int version, SetStageRequest request, CancellationToken cancellationToken)
        => SendAsync<ModelVersion>(HttpMethod.Put, $"{Model(project, model)}/versions/{version}/stage", Json(request), cancellationToken);

    /// <summary>Who moved which version where, newest first.</summary>
    public Task<Page<ModelMove>> ListModelMovesAsync(string project, string model, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<ModelMove>>(Query($"{Model(project, model)}/moves", pageSize, pageToken), cancellationToken);

    /// <summary>The model card.</summary>
    /// <param name="version">Null for the card of the model itself.</param>
    public Task<ModelCard> GetModelCardAsync(string project, string model, int? version, CancellationToken cancellationToken)
        => GetAsync<ModelCard>(Card(project, model, version), cancellationToken);

    /// <summary>Writes the next revision of a model card.</summary>
    /// <param name="version">Null for the card of the model itself.</param>
    public Task<ModelCard> WriteModelCardAsync(
        string project, string model, int? version, WriteModelCardRequest request, long? expectedRevision, CancellationToken cancellationToken)
        => SendAsync<ModelCard>(HttpMethod.Put, Card(project, model, version), Json(request), cancellationToken, IfMatch(expectedRevision));

    /// <summary>All revisions of a model card, newest first.</summary>
    /// <param name="version">Null for the card of the model itself.</param>
    public Task<Page<ModelCard>> ListModelCardsAsync(string project, string model, int? version, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<ModelCard>>(Query($"{Card(project, model, version)}/history", pageSize, pageToken), cancellationToken);

    /// <summary>Versions side by side.</summary>
    public Task<ModelVersionComparison> CompareModelVersionsAsync(string project, string model, CompareModelVersionsRequest request, CancellationToken cancellationToken)
        => PostAsync<ModelVersionComparison>($"{Model(project, model)}/versions/compare", request, cancellationToken);

    /// <summary>All that went into a version.</summary>
    public Task<ModelProvenance> GetModelProvenanceAsync(string project, string model, int version, CancellationToken cancellationToken)
        => GetAsync<ModelProvenance>($"{Model(project, model)}/versions/{version}/provenance", cancellationToken);

    /// <summary>The rules of a model's stages and aliases.</summary>
    public Task<IReadOnlyList<PromotionRule>> ListPromotionRulesAsync(string project, string model, CancellationToken cancellationToken)
        => GetAsync<IReadOnlyList<PromotionRule>>($"{Model(project, model)}/promotion-rules", cancellationToken);

    /// <summary>Sets the rule of a stage or an alias.</summary>
    public Task<PromotionRule> SetPromotionRuleAsync(string project, string model, PromotionTarget target, SetPromotionRuleRequest request, CancellationToken cancellationToken)
        => SendAsync<PromotionRule>(HttpMethod.Put, Rule(project, model, target), Json(request), cancellationToken);

    /// <summary>Takes the rule of a stage or an alias away.</summary>
    public Task DeletePromotionRuleAsync(string project, string model, PromotionTarget target, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, Rule(project, model, target), null, cancellationToken);

    /// <summary>Asks for a promotion.</summary>
    public Task<ModelPromotion> RequestPromotionAsync(string project, string model, RequestPromotionRequest request, CancellationToken cancellationToken)
        => PostAsync<ModelPromotion>($"{Model(project, model)}/promotions", request, cancellationToken);

    /// <summary>A promotion with its evidence.</summary>
    public Task<ModelPromotion> GetPromotionAsync(string project, string model, string promotion, CancellationToken cancellationToken)
        => GetAsync<ModelPromotion>($"{Model(project, model)}/promotions/{Escape(promotion)}", cancellationToken);

    /// <summary>The promotions of all models of a project, newest first.</summary>
    /// <param name="status">Null for all.</param>
    public Task<Page<ModelPromotion>> ListPromotionsAsync(string project, PromotionStatus? status, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<ModelPromotion>>(
            Query($"v1/projects/{Escape(project)}/promotions{(status is { } only ? $"?status={only.ToString().ToLowerInvariant()}" : string.Empty)}", pageSize, pageToken), cancellationToken);

    /// <summary>Approves: the evidence is checked and the version moves.</summary>
    public Task<ModelPromotion> ApprovePromotionAsync(string project, string model, string promotion, DecidePromotionRequest request, CancellationToken cancellationToken)
        => PostAsync<ModelPromotion>($"{Model(project, model)}/promotions/{Escape(promotion)}/approve", request, cancellationToken);

    /// <summary>Rejects.</summary>
    public Task<ModelPromotion> RejectPromotionAsync(string project, string model, string promotion, DecidePromotionRequest request, CancellationToken cancellationToken)
        => PostAsync<ModelPromotion>($"{Model(project, model)}/promotions/{Escape(promotion)}/reject", request, cancellationToken);

    /// <summary>Takes a request of one's own back.</summary>
    public Task<ModelPromotion> WithdrawPromotionAsync(string project, string model, string promotion, DecidePromotionRequest request, CancellationToken cancellationToken)
        => PostAsync<ModelPromotion>($"{Model(project, model)}/promotions/{Escape(promotion)}/withdraw", request, cancellationToken);

    private static string Model(string project, string model) => $"v1/projects/{Escape(project)}/models/{Escape(model)}";

    private static string Card(string project, string model, int? version) => $"{Model(project, model)}{(version is { } number ? $"/versions/{number}" : string.Empty)}/card";

    private static string Rule(string project, string model, PromotionTarget target)
        => $"{Model(project, model)}/promotion-rules/{target.Kind.ToString().ToLowerInvariant()}/{Escape(target.Name)}";
}
