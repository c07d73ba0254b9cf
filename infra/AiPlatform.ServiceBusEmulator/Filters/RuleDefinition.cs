namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>What a filter looks at.</summary>
internal enum RuleFilterKind
{
    /// <summary>Every message matches.</summary>
    True,

    /// <summary>No message matches.</summary>
    False,

    /// <summary>A condition in SQL.</summary>
    Sql,

    /// <summary>Properties that must be equal.</summary>
    Correlation,
}

/// <summary>A subscription's rule as it is given and stored.</summary>
internal sealed record RuleDefinition
{
    internal const string DefaultName = "$Default";

    public required string Name { get; init; }

    public RuleFilterKind Kind { get; init; }

    /// <summary>The condition of a SQL filter.</summary>
    public string? SqlExpression { get; init; }

    /// <summary>Values of the parameters in the condition, such as <c>@color</c>.</summary>
    public IReadOnlyDictionary<string, TypedValue>? SqlParameters { get; init; }

    /// <summary>System properties of a correlation filter by their names, such as <c>CorrelationId</c>.</summary>
    public IReadOnlyDictionary<string, string>? SystemProperties { get; init; }

    /// <summary>Application properties of a correlation filter.</summary>
    public IReadOnlyDictionary<string, TypedValue>? ApplicationProperties { get; init; }

    /// <summary>What is done to a copy of a message that matches.</summary>
    public string? ActionExpression { get; init; }

    /// <summary>Values of the parameters in the action.</summary>
    public IReadOnlyDictionary<string, TypedValue>? ActionParameters { get; init; }

    public DateTime CreatedAt { get; init; }

    internal static RuleDefinition Default(DateTime now) => new() { Name = DefaultName, Kind = RuleFilterKind.True, CreatedAt = now };
}
