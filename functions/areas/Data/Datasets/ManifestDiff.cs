using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Data.Datasets;

/// <summary>Compares two manifests.</summary>
internal static class ManifestDiff
{
    /// <summary>Every file that differs, by path, and the figures.</summary>
    /// <param name="older">By path.</param>
    /// <param name="newer">By path.</param>
    public static (DatasetDiffSummary Summary, IReadOnlyList<FileChange> Changes) Compare(IReadOnlyList<DatasetFileRow> older, IReadOnlyList<DatasetFileRow> newer)
    {
        var before = older.ToDictionary(file => file.Path, StringComparer.Ordinal);
        var after = newer.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);

        // Content that lost its path and content that has a new one: pairs of them are renames, in the order of their paths.
        var lost = older.Where(file => !after.Contains(file.Path)).GroupBy(file => file.Hex, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => new Queue<DatasetFileRow>(group), StringComparer.Ordinal);
        var changes = new List<FileChange>();
        var unchanged = 0;
        foreach (var file in newer)
        {
            if (before.TryGetValue(file.Path, out var old))
            {
                if (old.Sha256.AsSpan().SequenceEqual(file.Sha256))
                {
                    unchanged++;
                }
                else
                {
                    changes.Add(new FileChange(FileChangeKind.Changed, file.Path, null, old.SizeBytes, file.SizeBytes));
                }
            }
            else if (lost.TryGetValue(file.Hex, out var queue) && queue.TryDequeue(out var renamed))
            {
                changes.Add(new FileChange(FileChangeKind.Renamed, file.Path, renamed.Path, renamed.SizeBytes, file.SizeBytes));
            }
            else
            {
                changes.Add(new FileChange(FileChangeKind.Added, file.Path, null, null, file.SizeBytes));
            }
        }

        changes.AddRange(lost.Values.SelectMany(queue => queue).Select(file => new FileChange(FileChangeKind.Removed, file.Path, null, file.SizeBytes, null)));
        changes.Sort(static (left, right) => string.CompareOrdinal(left.Path, right.Path));
        return (Summarise(changes, unchanged), changes);
    }

    private static DatasetDiffSummary Summarise(List<FileChange> changes, int unchanged)
    {
        return new DatasetDiffSummary(
            Count(FileChangeKind.Added), Count(FileChangeKind.Removed), Count(FileChangeKind.Changed), Count(FileChangeKind.Renamed), unchanged,
            Sum(FileChangeKind.Added, change => change.NewSize), Sum(FileChangeKind.Removed, change => change.OldSize));

        int Count(FileChangeKind kind) => changes.Count(change => change.Kind == kind);

        long Sum(FileChangeKind kind, Func<FileChange, long?> size)
            => changes.Where(change => change.Kind == kind || change.Kind == FileChangeKind.Changed).Sum(change => size(change) ?? 0);
    }
}
