namespace AiPlatform.Data.Expectations;

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

    /// <summary>Whether a value lies between the bounds.</summary>
    public bool Admits(double value)
        => (Min is not { } min || (StrictMin ? value > min : value >= min)) && (Max is not { } max || (StrictMax ? value < max : value <= max));
}

/// <summary>What became of an expectation.</summary>
/// <param name="Success">Whether it is met.</param>
/// <param name="Observed">What was found: a number, a list of columns, a type; null where values were judged one by one.</param>
/// <param name="Examined">Values that were judged.</param>
/// <param name="Unexpected">Values that do not meet it.</param>
/// <param name="Examples">A few of these.</param>
/// <param name="Problem">Why it could not be judged; null when it was.</param>
public sealed record ExpectationResult(
    string Type, string? Column, string Table, ExpectationSeverity Severity, double Mostly, bool Success, string? Observed, long Examined, long Unexpected,
    IReadOnlyList<string> Examples, string? Problem = null);
