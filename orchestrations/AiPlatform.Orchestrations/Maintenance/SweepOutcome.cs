namespace AiPlatform.Orchestrations.Maintenance;

/// <summary>What a sweep did.</summary>
/// <param name="Purged">Instances removed.</param>
/// <param name="NextIn">When to sweep again.</param>
public sealed record SweepOutcome(int Purged, TimeSpan NextIn);
