using AiPlatform.Data.Sources;
using AiPlatform.Data.Statistics;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Preview;

/// <summary>
/// Compares two versions of a table by key: two hashes for each row of the earlier one are held, the values only of the rows that are
/// shown. The earlier version is read twice, the later one once.
/// </summary>
public static class RowDiffer
{
    /// <summary>Rows of the earlier version at most.</summary>
    public const int MaxRows = 2_000_000;

    /// <summary>Compares.</summary>
    /// <param name="key">The columns whose values tell rows apart.</param>
    /// <param name="shown">Rows of each kind that are shown.</param>
    /// <exception cref="RowDiffException">The key is not in both, or there are too many rows.</exception>
    /// <exception cref="DataFormatException">A version cannot be read.</exception>
    public static async Task<RowDiff> CompareAsync(
        (IByteSource Source, TableFormat Format) before, (IByteSource Source, TableFormat Format) now, IReadOnlyList<string> key, int shown, CancellationToken cancellationToken)
    {
        using var earlier = await TableFile.OpenAsync(before.Source, before.Format, cancellationToken).ConfigureAwait(false);
        using var later = await TableFile.OpenAsync(now.Source, now.Format, cancellationToken).ConfigureAwait(false);
        var common = earlier.Columns.Select(static column => column.Name).Where(name => later.Columns.Any(column => column.Name == name)).ToList();
        if (key.FirstOrDefault(name => !common.Contains(name)) is { } unknown)
        {
            throw new RowDiffException("noColumn", unknown);
        }

        var rest = common.Except(key, StringComparer.Ordinal).ToList();
        var known = new Dictionary<ulong, ulong>();
        var duplicates = 0L;
        await new RowWalker(earlier, key, rest).WalkAsync(
            (_, _, id, content) =>
            {
                if (!known.TryAdd(id, content))
                {
                    duplicates++;
                }
                else if (known.Count > MaxRows)
                {
                    throw new RowDiffException("tooLarge", MaxRows);
                }
            },
            cancellationToken).ConfigureAwait(false);

        var (seen, added, changed, unchanged) = (new HashSet<ulong>(), 0L, 0L, 0L);
        var (addedRows, changedNow) = (new List<RowChange>(), new Dictionary<ulong, object?[]>());
        await new RowWalker(later, key, rest).WalkAsync(
            (walker, row, id, content) =>
            {
                if (!seen.Add(id))
                {
                    duplicates++;
                }
                else if (!known.Remove(id, out var old))
                {
                    added++;
                    if (addedRows.Count < shown)
                    {
                        addedRows.Add(walker.Whole(row, isNow: true));
                    }
                }
                else if (old == content)
                {
                    unchanged++;
                }
                else
                {
                    changed++;
                    if (changedNow.Count < shown)
                    {
                        changedNow.Add(id, walker.Values(row));
                    }
                }

                if (seen.Count > MaxRows)
                {
                    throw new RowDiffException("tooLarge", MaxRows);
                }
            },
            cancellationToken).ConfigureAwait(false);
        var (removedRows, changedRows) = await ShowAsync(before, key, rest, known, changedNow, shown, cancellationToken).ConfigureAwait(false);
        return new RowDiff(added, known.Count, changed, unchanged, duplicates, common, addedRows, removedRows, changedRows);
    }

    // Reads the earlier version again for the values of what is shown; it ends as soon as all are found.
    private static async Task<(List<RowChange> Removed, List<RowChange> Changed)> ShowAsync(
        (IByteSource Source, TableFormat Format) before, IReadOnlyList<string> key, List<string> rest, Dictionary<ulong, ulong> gone, Dictionary<ulong, object?[]> changedNow,
        int shown, CancellationToken cancellationToken)
    {
        var (removed, changed) = (new List<RowChange>(), new List<RowChange>());
        var wanted = Math.Min(shown, gone.Count) + changedNow.Count;
        if (wanted == 0)
        {
            return (removed, changed);
        }

        var told = new HashSet<ulong>();
        using var reader = await TableFile.OpenAsync(before.Source, before.Format, cancellationToken).ConfigureAwait(false);
        await new RowWalker(reader, key, rest).WalkAsync(
            (walker, row, id, _) =>
            {
                if (gone.ContainsKey(id) && removed.Count < shown && told.Add(id))
                {
                    removed.Add(walker.Whole(row, isNow: false));
                }
                else if (changedNow.TryGetValue(id, out var now) && told.Add(id))
                {
                    changed.Add(walker.Change(row, now));
                }
            },
            cancellationToken,
            () => removed.Count + changed.Count < wanted).ConfigureAwait(false);
        return (removed, changed);
    }
}
