namespace AiPlatform.Contracts.Deliveries;

/// <summary>What is delivered again.</summary>
/// <param name="Replayed">Deliveries that wait again, as if they had never been tried.</param>
/// <param name="More">The channel has more that was given up.</param>
public sealed record ReplayedDeliveries(int Replayed, bool More);
