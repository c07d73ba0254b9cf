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
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="DatasetId">The dataset's id.</param>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="VersionId">The id of the dataset's version.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
/// <param name="Progress">0 to 1.</param>
/// <param name="Score">0 to 100; null until it has succeeded.</param>
/// <param name="Passed">Whether every rule and expectation is met; null until it has succeeded.</param>
/// <param name="Blocked">Whether the version may not be used; null until it has succeeded.</param>
/// <param name="BaselineVersion">The version that drift is measured against; null for none.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record QualityReport(
    string Id, string ProjectId, string DatasetId, string Dataset, string VersionId, int Version, QualityReportStatus Status, string? Reason, double Progress,
    double? Score, bool? Passed, bool? Blocked, int? BaselineVersion, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt = null, DateTimeOffset? EndedAt = null);

/// <summary>Starts a report.</summary>
/// <example>{"baselineVersion": 1}</example>
/// <param name="Plan">Expectations and rules in YAML; null for those of the dataset.</param>
/// <param name="BaselineVersion">The version to compare with; null for the newest earlier one that has a report.</param>
public sealed record CreateQualityReportRequest(string? Plan = null, int? BaselineVersion = null);

/// <summary>A report that was started, and where its orchestration can be watched and ended.</summary>
/// <param name="Report">The report, which has not begun.</param>
/// <param name="StatusQueryGetUri">Where the orchestration's status is.</param>
/// <param name="TerminatePostUri">Where a POST terminates the orchestration.</param>
public sealed record QualityReportSubmission(QualityReport Report, string StatusQueryGetUri, string TerminatePostUri);

/// <summary>Expectations and rules of a dataset, in YAML.</summary>
/// <example>{"plan": "expectations:\n- type: expect_column_values_to_not_be_null\n  column: label\n"}</example>
/// <param name="Plan">The plan, as YAML.</param>
/// <param name="Problems">In answers: expectations that cannot be judged and will fail, each with its reason; null when all can.</param>
public sealed record QualityPlanText(string Plan, IReadOnlyList<string>? Problems = null);

/// <summary>Lets a version be used although its report blocks it.</summary>
/// <example>{"reason": "The outliers are real measurements."}</example>
/// <param name="Reason">Why: it is kept for ever.</param>
public sealed record OverrideQualityRequest(string Reason);

/// <summary>Who let a blocked version be used.</summary>
/// <param name="By">The id of the administrator.</param>
/// <param name="Reason">Why, in the words of the administrator.</param>
/// <param name="At">When it was overridden.</param>
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
/// <param name="Report">The report.</param>
/// <param name="Plan">Expectations and rules in YAML; may be empty.</param>
/// <param name="FileCount">Files of the version.</param>
/// <param name="TotalSize">Bytes of the version.</param>
/// <param name="DuplicateImages">Images whose content another one has too.</param>
public sealed record QualityWork(QualityReport Report, string Plan, int FileCount, long TotalSize, long DuplicateImages);

/// <summary>How far a report is (orchestrations only).</summary>
/// <example>{"progress": 0.4}</example>
/// <param name="Progress">0 to 1.</param>
public sealed record QualityProgressRequest(double Progress);

/// <summary>Whether the work is still wanted.</summary>
/// <param name="Continue">Whether the report is still wanted.</param>
public sealed record QualityProgressResponse(bool Continue);

/// <summary>Ends a report well (orchestrations only).</summary>
/// <example>{"score": 91.5, "passed": true, "blocked": false, "document": {"format": 1}, "sketches": {}}</example>
/// <param name="Score">The whole score, 0 to 100.</param>
/// <param name="Passed">Whether every expectation and rule holds.</param>
/// <param name="Blocked">Whether the version must not be used.</param>
/// <param name="Document">The report.</param>
/// <param name="Sketches">What later versions are compared by.</param>
public sealed record CompleteQualityReportRequest(double Score, bool Passed, bool Blocked, JsonElement Document, JsonElement Sketches);

/// <summary>Ends a report badly (orchestrations only).</summary>
/// <example>{"reason": "The file's footer is damaged."}</example>
/// <param name="Reason">Why it failed.</param>
public sealed record FailQualityReportRequest(string Reason);
