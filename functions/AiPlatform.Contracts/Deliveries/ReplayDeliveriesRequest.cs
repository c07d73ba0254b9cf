namespace AiPlatform.Contracts.Deliveries;

/// <summary>Delivers again what was given up.</summary>
/// <example>{"deliveries": ["4711", "4712"]}</example>
/// <param name="Deliveries">Ids; at most 1,000. Null: the first 1,000 of the channel.</param>
public sealed record ReplayDeliveriesRequest(IReadOnlyList<string>? Deliveries = null);
