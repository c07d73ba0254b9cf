namespace AiPlatform.Data.Datasets;

/// <summary>A range of a blob.</summary>
/// <param name="Blob">Its name in the datasets container.</param>
internal readonly record struct ContentPart(string Blob, long Offset, long Length);

/// <summary>Verified content and where its bytes lie.</summary>
/// <param name="IsWhole">Whether it is one blob by itself.</param>
/// <param name="Parts">In order; they make up the content.</param>
internal sealed record StoredContent(string ProjectId, string Sha256, long Size, bool IsWhole, IReadOnlyList<ContentPart> Parts);
