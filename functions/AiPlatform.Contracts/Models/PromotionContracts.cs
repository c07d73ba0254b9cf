namespace AiPlatform.Contracts.Models;

/// <summary>What a promotion moves.</summary>
public enum PromotionTargetKind
{
    /// <summary>The version's stage.</summary>
    Stage,

    /// <summary>An alias of the model.</summary>
    Alias,
}

/// <summary>Where a promotion leads.</summary>
/// <param name="Kind">Whether it is a stage or an alias.</param>
/// <param name="Name">A stage (<c>staging</c>, <c>production</c>) or an alias.</param>
public sealed record PromotionTarget(PromotionTargetKind Kind, string Name);

/// <summary>How a metric is held against its threshold.</summary>
public enum ThresholdComparison
{
    /// <summary>Greater or equal.</summary>
    AtLeast,

    /// <summary>Less or equal.</summary>
    AtMost,
}

/// <summary>A metric that a version must reach.</summary>
/// <param name="Metric">Of the version; where it has none, the last value in its run.</param>
/// <param name="Comparison">How the value must compare with the threshold.</param>
/// <param name="Value">The threshold; with <paramref name="RelativeToCurrent"/> what is added to the value of the version that is at the target now.</param>
/// <param name="RelativeToCurrent">Passes when nothing is at the target.</param>
public sealed record MetricThreshold(string Metric, ThresholdComparison Comparison, double Value, bool RelativeToCurrent = false);

/// <summary>Who may decide. Whoever asked may not, unless the rule allows it.</summary>
public enum PromotionApprover
{
    /// <summary>The owner of the project, and administrators.</summary>
    Maintainer,

    /// <summary>Administrators.</summary>
    Administrator,
}

/// <summary>The rule of a target: with one, versions get there only by approved promotions.</summary>
/// <param name="Target">The stage or the alias that it guards.</param>
/// <param name="Thresholds">What the version's metrics must reach.</param>
/// <param name="RequireQualityReport">Whether every dataset version that went in needs a quality report that does not block it.</param>
/// <param name="MinQualityScore">The least score of these reports, 0 to 100; null for any.</param>
/// <param name="Approver">Who may approve.</param>
/// <param name="ExpiresAfterHours">Hours after which a request that nobody decided expires.</param>
/// <param name="UpdatedBy">The id of the account that last changed it.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
/// <param name="AllowSelfApproval">Whether an approver may approve a request of their own.</param>
public sealed record PromotionRule(
    PromotionTarget Target, IReadOnlyList<MetricThreshold> Thresholds, bool RequireQualityReport, double? MinQualityScore, PromotionApprover Approver,
    int ExpiresAfterHours, string? UpdatedBy, DateTimeOffset UpdatedAt, bool AllowSelfApproval = false);

/// <summary>Sets the rule of a target.</summary>
/// <example>
/// {"thresholds": [{"metric": "accuracy", "comparison": "atLeast", "value": 0.95}], "requireQualityReport": true,
/// "minQualityScore": 80, "approver": "maintainer"}
/// </example>
/// <param name="Thresholds">At most 50.</param>
/// <param name="RequireQualityReport">Whether every dataset version that went in needs a quality report.</param>
/// <param name="MinQualityScore">The lowest score that these reports may have; null for any.</param>
/// <param name="Approver">Who may approve.</param>
/// <param name="ExpiresAfterHours">How long requests wait, 1 to 8,760 hours.</param>
/// <param name="AllowSelfApproval">Whether an approver may approve a request of their own: for a project of one person.</param>
public sealed record SetPromotionRuleRequest(
    IReadOnlyList<MetricThreshold>? Thresholds = null, bool RequireQualityReport = false, double? MinQualityScore = null,
    PromotionApprover Approver = PromotionApprover.Maintainer, int ExpiresAfterHours = 168, bool AllowSelfApproval = false);

/// <summary>The state of a request.</summary>
public enum PromotionStatus
{
    /// <summary>Somebody has to decide.</summary>
    Pending,

    /// <summary>Approved, and the version is where it was to go.</summary>
    Approved,

    /// <summary>Somebody said no.</summary>
    Rejected,

    /// <summary>Whoever asked took it back.</summary>
    Withdrawn,

    /// <summary>Nobody decided in time.</summary>
    Expired,
}

/// <summary>What kind of evidence it is.</summary>
public enum EvidenceKind
{
    /// <summary>A metric against its threshold.</summary>
    Metric,

    /// <summary>The quality report of a dataset version.</summary>
    Quality,
}

/// <summary>One piece of evidence.</summary>
/// <param name="Kind">What was checked.</param>
/// <param name="Name">The metric, or the dataset version as <c>name@version</c>.</param>
/// <param name="Passed">Whether it passed.</param>
/// <param name="Expected">What the rule asks for.</param>
/// <param name="Actual">What there is; null for nothing.</param>
/// <param name="Reference">The id of the quality report.</param>
public sealed record PromotionEvidence(EvidenceKind Kind, string Name, bool Passed, string Expected, string? Actual, string? Reference);

/// <summary>A request to bring a version to a stage or an alias.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="ModelId">The registered model's id.</param>
/// <param name="ModelName">The registered model's name.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Target">The stage or the alias that it is to reach.</param>
/// <param name="ArchiveExisting">Whether versions that are in the stage are archived when this one moves.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Comment">What the requester said; null for nothing.</param>
/// <param name="Evidence">As it stands while the request is pending; as it stood when it was decided.</param>
/// <param name="RequestedBy">The id of the account that asked.</param>
/// <param name="RequestedByName">The name of the account that asked.</param>
/// <param name="RequestedAt">When it was asked for.</param>
/// <param name="ExpiresAt">When it expires.</param>
/// <param name="DecidedBy">The id of the account that decided; null while nobody has.</param>
/// <param name="DecidedByName">The name of the account that decided; null while nobody has.</param>
/// <param name="DecidedAt">When it was decided; null while it is not.</param>
/// <param name="DecisionComment">What the approver said; null for nothing.</param>
public sealed record ModelPromotion(
    string Id, string ProjectId, string ModelId, string ModelName, int Version, PromotionTarget Target, bool ArchiveExisting, PromotionStatus Status,
    string? Comment, IReadOnlyList<PromotionEvidence> Evidence, string RequestedBy, string RequestedByName, DateTimeOffset RequestedAt, DateTimeOffset ExpiresAt,
    string? DecidedBy, string? DecidedByName, DateTimeOffset? DecidedAt, string? DecisionComment);

/// <summary>Asks for a promotion.</summary>
/// <example>
/// {"version": 3, "target": {"kind": "stage", "name": "production"}, "comment": "Better on every class."}
/// </example>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Target">The stage or the alias that it is to reach.</param>
/// <param name="ArchiveExisting">Whether the versions that are in the stage go to archived.</param>
/// <param name="Comment">Up to 4,000 characters.</param>
public sealed record RequestPromotionRequest(int Version, PromotionTarget Target, bool ArchiveExisting = true, string? Comment = null);

/// <summary>Decides about a promotion, or takes it back.</summary>
/// <example>{"comment": "Checked against the holdout set."}</example>
/// <param name="Comment">Up to 4,000 characters.</param>
public sealed record DecidePromotionRequest(string? Comment = null);
