namespace AiPlatform.Contracts;

/// <summary>One page of a list.</summary>
/// <param name="Items">The items, in the list's order.</param>
/// <param name="NextPageToken">Opaque; pass it as <c>pageToken</c> for the next page. Null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextPageToken = null);
