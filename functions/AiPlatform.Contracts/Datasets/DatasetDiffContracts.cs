namespace AiPlatform.Contracts.Datasets;

/// <summary>What happened to a file between two versions.</summary>
public enum FileChangeKind
{
    /// <summary>Only the newer version has the path.</summary>
    Added,

    /// <summary>Only the older version has the path.</summary>
    Removed,

    /// <summary>Both have the path, with different content.</summary>
    Changed,

    /// <summary>The same content under another path.</summary>
    Renamed,
}

/// <summary>One file that differs.</summary>
/// <param name="Kind">How it changed.</param>
/// <param name="Path">The path in the newer version; in the older one for what was removed.</param>
/// <param name="OldPath">Of what was renamed.</param>
/// <param name="OldSize">Bytes; null for what was added.</param>
/// <param name="NewSize">Bytes; null for what was removed.</param>
public sealed record FileChange(FileChangeKind Kind, string Path, string? OldPath, long? OldSize, long? NewSize);

/// <summary>How many files differ in which way, and their bytes.</summary>
/// <param name="Added">How many were added.</param>
/// <param name="Removed">How many were removed.</param>
/// <param name="Changed">How many were changed.</param>
/// <param name="Renamed">How many have another path and the same content.</param>
/// <param name="Unchanged">How many are as they were.</param>
/// <param name="AddedBytes">Bytes of added files and of the new content of changed ones.</param>
/// <param name="RemovedBytes">Bytes of removed files and of the old content of changed ones.</param>
public sealed record DatasetDiffSummary(int Added, int Removed, int Changed, int Renamed, int Unchanged, long AddedBytes, long RemovedBytes);

/// <summary>The difference between two versions: a page of its changes, by path.</summary>
/// <param name="From">The older version.</param>
/// <param name="To">The newer version.</param>
/// <param name="Summary">How many files differ, and by how much.</param>
/// <param name="Items">A page of the files that differ, by path.</param>
/// <param name="NextPageToken">Opaque; pass it as <c>pageToken</c> for the next page. Null on the last page.</param>
public sealed record DatasetDiff(int From, int To, DatasetDiffSummary Summary, IReadOnlyList<FileChange> Items, string? NextPageToken = null);
