using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>A row of <c>model_promotion_rules</c>.</summary>
internal sealed class RuleRow
{
    public const string Columns = "r.kind, r.name, r.thresholds::text AS thresholds, r.require_quality_report, r.min_quality_score, r.approver, r.expires_after_hours, r.updated_by, r.updated_at, r.allow_self_approval";

    public PromotionTargetKind Kind { get; init; }

    public required string Name { get; init; }

    public required string Thresholds { get; init; }

    public bool RequireQualityReport { get; init; }

    public double? MinQualityScore { get; init; }

    public PromotionApprover Approver { get; init; }

    public int ExpiresAfterHours { get; init; }

    public required string UpdatedBy { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public bool AllowSelfApproval { get; init; }

    public PromotionRule ToContract() => new(
        new PromotionTarget(Kind, Name), JsonSerializer.Deserialize<MetricThreshold[]>(Thresholds, ContractsJson.Tolerant)!, RequireQualityReport, MinQualityScore, Approver,
        ExpiresAfterHours, UpdatedBy, UpdatedAt, AllowSelfApproval);
}

/// <summary>A row of <c>model_promotions</c> with the model's name.</summary>
internal sealed class PromotionRow
{
    public const string Select = """
        SELECT q.id, q.project_id, q.model_id, m.name AS model_name, q.version, q.kind, q.name, q.archive_existing, q.status, q.comment, q.evidence::text AS evidence,
               q.requested_by, q.requested_by_name, q.requested_at, q.expires_at, q.decided_by, q.decided_by_name, q.decided_at, q.decision_comment
        FROM model_promotions q JOIN models m ON m.id = q.model_id
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string ModelId { get; init; }

    public required string ModelName { get; init; }

    public int Version { get; init; }

    public PromotionTargetKind Kind { get; init; }

    public required string Name { get; init; }

    public bool ArchiveExisting { get; init; }

    public PromotionStatus Status { get; init; }

    public string? Comment { get; init; }

    public required string Evidence { get; init; }

    public required string RequestedBy { get; init; }

    public required string RequestedByName { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public string? DecidedBy { get; init; }

    public string? DecidedByName { get; init; }

    public DateTimeOffset? DecidedAt { get; init; }

    public string? DecisionComment { get; init; }

    public PromotionTarget Target => new(Kind, Name);

    public ModelPromotion ToContract(IReadOnlyList<PromotionEvidence>? evidence = null) => new(
        Id, ProjectId, ModelId, ModelName, Version, Target, ArchiveExisting, Status, Comment,
        evidence ?? JsonSerializer.Deserialize<PromotionEvidence[]>(Evidence, ContractsJson.Tolerant)!, RequestedBy, RequestedByName, RequestedAt, ExpiresAt, DecidedBy,
        DecidedByName, DecidedAt, DecisionComment);
}
