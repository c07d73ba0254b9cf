using AiPlatform.Contracts.Quality;
using AiPlatform.Kernel.Texts;
using AiPlatform.Kernel.Access;

namespace AiPlatform.Data.Quality;

/// <summary>A row of <c>quality_reports</c> with the names of its dataset and versions.</summary>
internal sealed class QualityReportRow : IReachable
{
    public const string Columns = """
        r.id, r.project_id, d.id AS dataset_id, d.name AS dataset, r.version_id, v.version, r.status, r.reason, r.progress, r.score, r.passed, r.blocked,
        b.version AS baseline_version, r.baseline_id, r.plan, r.created_at, r.started_at, r.ended_at
        """;

    public const string From = """
        quality_reports r JOIN dataset_versions v ON v.id = r.version_id JOIN datasets d ON d.id = v.dataset_id
        LEFT JOIN quality_reports q ON q.id = r.baseline_id LEFT JOIN dataset_versions b ON b.id = q.version_id
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string DatasetId { get; init; }

    public required string Dataset { get; init; }

    public required string VersionId { get; init; }

    public int Version { get; init; }

    public QualityReportStatus Status { get; init; }

    public string? Reason { get; init; }

    public double Progress { get; init; }

    public double? Score { get; init; }

    public bool? Passed { get; init; }

    public bool? Blocked { get; init; }

    public int? BaselineVersion { get; init; }

    public string? BaselineId { get; init; }

    public required string Plan { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public QualityReport ToContract() => new(
        Id, ProjectId, DatasetId, Dataset, VersionId, Version, Status, Sentences.Told(Reason), Progress, Score, Passed, Blocked, BaselineVersion, CreatedAt, StartedAt, EndedAt);
}
