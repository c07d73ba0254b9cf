namespace AiPlatform.Tracking.Artifacts;

/// <summary>What a bounded step of a deletion did.</summary>
/// <param name="Files">Files, links and blobs that were deleted.</param>
/// <param name="Bytes">Their bytes; a link has none.</param>
/// <param name="IsDone">Nothing is left.</param>
/// <param name="Error">Why it ended early; null when it did not.</param>
internal sealed record DirectDeletion(int Files, long Bytes, bool IsDone, string? Error);
