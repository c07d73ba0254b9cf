namespace AiPlatform.Tracking.Media;

/// <summary>Query parameters that select media; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Key">Only media under this key.</param>
/// <param name="Kind">Only those of this kind.</param>
/// <param name="FromStep">Only from this step on.</param>
/// <param name="ToStep">Only up to this step.</param>
internal readonly record struct MediaFilter(string? Key, string? Kind, long? FromStep, long? ToStep);
