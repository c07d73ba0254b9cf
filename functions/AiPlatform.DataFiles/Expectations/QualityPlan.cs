using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>A bound on a metric of a report.</summary>
/// <param name="Metric">One of <see cref="Quality.QualityMetrics.Names"/>.</param>
/// <param name="Block">Whether a version that breaks the rule may not be used; otherwise it only fails.</param>
public sealed record QualityRule(string Metric, double? Min, double? Max, bool Block);

/// <summary>What is expected of a dataset: expectations and rules as code.</summary>
/// <param name="Label">The column that holds the class; null to look for one by its usual names.</param>
public sealed record QualityPlan(string? Label, IReadOnlyList<Expectation> Expectations, IReadOnlyList<QualityRule> Rules)
{
    /// <summary>What is told about the dataset's files of text.</summary>
    public ReadOptions Reading { get; init; } = ReadOptions.Detect;

    /// <summary>Expects nothing.</summary>
    public static QualityPlan Empty { get; } = new(null, [], []);
}

/// <summary>The plan's text is not what it has to be.</summary>
/// <param name="path">Where, such as <c>expectations[2].kwargs.min_value</c>, or a line of the text.</param>
/// <param name="problem">What is wrong, in English.</param>
public sealed class QualityPlanException(string path, string problem) : Exception($"{path}: {problem}")
{
    /// <summary>Where.</summary>
    public string Path { get; } = path;

    /// <summary>What is wrong.</summary>
    public string Problem { get; } = problem;
}
