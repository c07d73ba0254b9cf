namespace AiPlatform.Operations.Lineage;

/// <summary>Query parameters that say what of the things that one reaches is shown; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Kinds">Only things of these kinds, apart by commas.</param>
/// <param name="Depth">How many steps to follow; all of them when absent.</param>
/// <param name="Limit">The most things in the answer.</param>
/// <param name="At">As it was at this time; now when absent.</param>
internal readonly record struct ReachParameters(string? Kinds, int? Depth, int? Limit, string? At);
