namespace AiPlatform.Operations.Lineage;

/// <summary>Query parameters that say what of the graph around a thing is shown; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Direction">Which way to follow: <c>upstream</c>, <c>downstream</c> or both when absent.</param>
/// <param name="Depth">How many steps to follow; 1 when absent.</param>
/// <param name="Limit">The most things in the answer.</param>
/// <param name="At">As it was at this time; now when absent.</param>
internal readonly record struct GraphParameters(string? Direction, int? Depth, int? Limit, string? At);
