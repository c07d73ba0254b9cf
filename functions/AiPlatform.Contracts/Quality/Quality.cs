using System.Text.Json;

namespace AiPlatform.Contracts.Quality;

/// <summary>The life of a quality report.</summary>
public enum QualityReportStatus
{
    /// <summary>Waits for its orchestration.</summary>
    Pending,

    /// <summary>Files are read.</summary>
    Running,

    /// <summary>The report is there.</summary>
    Succeeded,

    /// <summary>It could not be made.</summary>
    Failed,

    /// <summary>Ended by request.</summary>
    Cancelled,
}

/// <summary>A quality report of a dataset version, without its document.</summary>
/// <param name="Progress">0 to 1.</param>
/// <param name="Score">0 to 100; null until it has succeeded.</param>
/// <param name="Passed">Whether every rule and expectation is met; null until it has succeeded.</param>
/// <param name="Blocked">Whether the version may not be used; null until it has succeeded.</param>
/// <param name="BaselineVersion">The version that drift is measured against; null for none.</param>
public sealed record QualityReport(
    string Id, string ProjectId, string DatasetId, string Dataset, string VersionId, int Version, QualityReportStatus Status, string? Reason, double Progress,
    double? Score, bool? Passed, bool? Blocked, int? BaselineVersion, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt = null, DateTimeOffset? EndedAt = null);

/// <summary>Starts a report.</summary>
/// <param name="Plan">Expectations and rules in YAML; null for those of the dataset.</param>
/// <param name="BaselineVersion">The version to compare with; null for the newest earlier one that has a report.</param>
public sealed record CreateQualityReportRequest(string? Plan = null, int? BaselineVersion = null);

/// <summary>A report that was started, and where its orchestration can be watched and ended.</summary>
public sealed record QualityReportSubmission(QualityReport Report, string StatusQueryGetUri, string TerminatePostUri);

/// <summary>Expectations and rules of a dataset, in YAML.</summary>
/// <param name="Problems">In answers: expectations that cannot be judged and will fail, each with its reason; null when all can.</param>
public sealed record QualityPlanText(string Plan, IReadOnlyList<string>? Problems = null);

/// <summary>Lets a version be used although its report blocks it.</summary>
/// <param name="Reason">Why: it is kept for ever.</param>
public sealed record OverrideQualityRequest(string Reason);

/// <summary>Who let a blocked version be used.</summary>
public sealed record QualityOverride(string By, string Reason, DateTimeOffset At);

/// <summary>What is known about the quality of a version.</summary>
/// <param name="Latest">The newest report that succeeded; null when there is none.</param>
/// <param name="Usable">Whether jobs may use the version.</param>
/// <param name="Override">Who let it be used although its newest report blocks it.</param>
public sealed record VersionQuality(QualityReport? Latest, bool Usable, QualityOverride? Override);

/// <summary>What the orchestration of a report gets.</summary>
public sealed record QualityReportInput(string ReportId);

/// <summary>Names that the API and the orchestrations share.</summary>
public static class QualityReports
{
    /// <summary>The orchestration; its instance id is the report's id.</summary>
    public const string Orchestration = "MakeQualityReport";
}

/// <summary>What a report is made of (orchestrations only).</summary>
/// <param name="Plan">Expectations and rules in YAML; may be empty.</param>
/// <param name="FileCount">Files of the version.</param>
/// <param name="TotalSize">Bytes of the version.</param>
/// <param name="DuplicateImages">Images whose content another one has too.</param>
public sealed record QualityWork(QualityReport Report, string Plan, int FileCount, long TotalSize, long DuplicateImages);

/// <summary>How far a report is (orchestrations only).</summary>
/// <param name="Progress">0 to 1.</param>
public sealed record QualityProgressRequest(double Progress);

/// <summary>Whether the work is still wanted.</summary>
public sealed record QualityProgressResponse(bool Continue);

/// <summary>Ends a report well (orchestrations only).</summary>
/// <param name="Document">The report.</param>
/// <param name="Sketches">What later versions are compared by.</param>
public sealed record CompleteQualityReportRequest(double Score, bool Passed, bool Blocked, JsonElement Document, JsonElement Sketches);

/// <summary>Ends a report badly (orchestrations only).</summary>
public sealed record FailQualityReportRequest(string Reason);
