namespace AiPlatform.Contracts.Garbage;

/// <summary>Asks for a round of garbage collection now.</summary>
/// <example>{"olderThanSeconds": 86400}</example>
/// <param name="OlderThanSeconds">Release what was deleted at least so long ago; null for the configured retention.</param>
/// <param name="Now">Delete blobs that nothing refers to without their time of grace. Only where nobody uploads meanwhile.</param>
public sealed record CollectGarbageRequest(long? OlderThanSeconds = null, bool Now = false);
