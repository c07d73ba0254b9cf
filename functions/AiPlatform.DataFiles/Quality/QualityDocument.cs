using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>How the classes of a dataset are distributed.</summary>
/// <param name="Source">The column, or <c>folders</c> of images.</param>
/// <param name="Classes">Rows or images of each class, most frequent first.</param>
/// <param name="Imbalance">How many times the largest class is as large as the smallest.</param>
/// <param name="Evenness">Shannon's entropy as a share of its largest: 1 when all classes are equally frequent.</param>
public sealed record ClassBalance(string Source, IReadOnlyList<ValueCount> Classes, double Imbalance, double Evenness);

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    /// <summary>Good to know.</summary>
    Info,

    /// <summary>Worth a look.</summary>
    Warning,

    /// <summary>It will hurt.</summary>
    Error,
}

/// <summary>Something worth knowing about the data.</summary>
/// <param name="Code">What it is, such as <c>missing</c>; texts are found under it.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="Subject">The column (with its table in front of it where there are several), table or file; null for the whole version.</param>
/// <param name="Values">What the text tells.</param>
public sealed record QualityFinding(string Code, FindingSeverity Severity, string? Subject, IReadOnlyList<string> Values);

/// <summary>What became of a rule.</summary>
/// <param name="Metric">What the rule speaks of.</param>
/// <param name="Min">The smallest value that it allows; null for any.</param>
/// <param name="Max">The largest value that it allows; null for any.</param>
/// <param name="Block">Whether the version must not be used when it does not hold.</param>
/// <param name="Observed">The metric's value; null when the report has none.</param>
/// <param name="Success">Whether it holds.</param>
public sealed record RuleResult(string Metric, double? Min, double? Max, bool Block, double? Observed, bool Success);

/// <summary>One side of quality.</summary>
/// <param name="Name"><c>completeness</c>, <c>uniqueness</c>, <c>validity</c>, <c>conformity</c>, <c>stability</c>, <c>information</c>.</param>
/// <param name="Score">0 to 100.</param>
/// <param name="Weight">How much it counts.</param>
public sealed record QualityDimension(string Name, double Score, double Weight);

/// <summary>A quality report.</summary>
/// <param name="Format">The number of this format.</param>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Score">0 to 100: the weighted mean of the dimensions.</param>
/// <param name="Passed">Whether every file could be read whole, every table has rows, and every rule and every expectation is met.</param>
/// <param name="Blocked">Whether a blocking rule is broken or a critical expectation is not met.</param>
/// <param name="Dimensions">What the score is made of.</param>
/// <param name="Metrics">Numbers that rules may speak of, by name.</param>
/// <param name="Findings">What was found, the most severe first.</param>
/// <param name="Rules">The rules of the plan, and whether they hold.</param>
/// <param name="Expectations">The expectations of the plan, and whether they are met.</param>
/// <param name="Tables">What each table is like.</param>
/// <param name="Images">What the images are like; null where there are none.</param>
/// <param name="Classes">How the classes are balanced.</param>
/// <param name="Baseline">The version that drift was measured against; null for none.</param>
/// <param name="Drift">How the tables have drifted.</param>
/// <param name="UnreadableFiles">Files that could not be read.</param>
/// <param name="Files">Files of the version.</param>
/// <param name="Bytes">Bytes of all files.</param>
public sealed record QualityDocument(
    int Format, string Dataset, int Version, DateTimeOffset CreatedAt, double Score, bool Passed, bool Blocked, IReadOnlyList<QualityDimension> Dimensions,
    IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<QualityFinding> Findings, IReadOnlyList<RuleResult> Rules, IReadOnlyList<ExpectationResult> Expectations,
    IReadOnlyList<TableProfile> Tables, ImageSetProfile? Images, IReadOnlyList<ClassBalance> Classes, int? Baseline, IReadOnlyList<DriftReport> Drift,
    IReadOnlyList<DataIssue> UnreadableFiles, long Files, long Bytes);
