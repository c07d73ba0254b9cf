namespace AiPlatform.DataFiles.Expectations;

/// <summary>How bad it is when an expectation is not met.</summary>
public enum ExpectationSeverity
{
    /// <summary>It is reported.</summary>
    Warning,

    /// <summary>The version is blocked from use.</summary>
    Critical,
}

/// <summary>One expectation, in the terms of Great Expectations.</summary>
/// <param name="Type">Such as <c>expect_column_values_to_not_be_null</c>.</param>
/// <param name="Column">The column; null for one about the whole table.</param>
/// <param name="Mostly">The share of values that must meet it.</param>
public sealed record Expectation(string Type, string? Column, double Mostly, ExpectationSeverity Severity)
{
    /// <summary>The lower bound.</summary>
    public double? Min { get; init; }

    /// <summary>The upper bound.</summary>
    public double? Max { get; init; }

    /// <summary>Whether the lower bound itself is excluded.</summary>
    public bool StrictMin { get; init; }

    /// <summary>Whether the upper bound itself is excluded.</summary>
    public bool StrictMax { get; init; }

    /// <summary>Values, or columns.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>A regular expression.</summary>
    public string? Regex { get; init; }

    /// <summary>A type's name.</summary>
    public string? TypeName { get; init; }

    /// <summary>The bounds where they are points in time, in ticks.</summary>
    public (long? Min, long? Max)? Times { get; init; }

    /// <summary>Columns that are judged together, row by row.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Shares and the ranges that their quantiles must lie in.</summary>
    public IReadOnlyList<QuantileRange> Quantiles { get; init; } = [];

    /// <summary>Pairs of values; a null is a missing one.</summary>
    public IReadOnlyList<(string? Left, string? Right)> Pairs { get; init; } = [];

    /// <summary>Whether equal values are in order too.</summary>
    public bool OrEqual { get; init; }

    /// <summary>Which rows are not judged: <c>both_values_are_missing</c>, <c>any_value_is_missing</c> and so on; null for the usual ones.</summary>
    public string? IgnoreRowIf { get; init; }

    /// <summary>Why it cannot be judged; it fails with this reason, and only it.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether a point in time lies between the bounds.</summary>
    public bool AdmitsTime(long ticks) => Times is { } times
        && (times.Min is not { } min || (StrictMin ? ticks > min : ticks >= min)) && (times.Max is not { } max || (StrictMax ? ticks < max : ticks <= max));

    /// <summary>Whether a value lies between the bounds.</summary>
    public bool Admits(double value)
        => (Min is not { } min || (StrictMin ? value > min : value >= min)) && (Max is not { } max || (StrictMax ? value < max : value <= max));
}

/// <summary>A quantile and where it must lie; a bound that is null is none.</summary>
public sealed record QuantileRange(double Share, double? Min, double? Max);

/// <summary>What became of an expectation.</summary>
/// <param name="Type">The expectation.</param>
/// <param name="Column">The column; null for an expectation about the whole table.</param>
/// <param name="Table">The path of the table.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="Mostly">The part of values that must meet it, 0 to 1.</param>
/// <param name="Success">Whether it is met.</param>
/// <param name="Observed">What was found: a number, a list of columns, a type; null where values were judged one by one.</param>
/// <param name="Examined">Values that were judged.</param>
/// <param name="Unexpected">Values that do not meet it.</param>
/// <param name="Examples">A few of these.</param>
/// <param name="Problem">Why it could not be judged; null when it was.</param>
public sealed record ExpectationResult(
    string Type, string? Column, string Table, ExpectationSeverity Severity, double Mostly, bool Success, string? Observed, long Examined, long Unexpected,
    IReadOnlyList<string> Examples, string? Problem = null);
