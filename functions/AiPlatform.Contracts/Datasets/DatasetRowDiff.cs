namespace AiPlatform.Contracts.Datasets;

/// <summary>How two versions of a table differ, row by row.</summary>
/// <param name="Added">Rows whose key is new.</param>
/// <param name="Removed">Rows whose key is gone.</param>
/// <param name="Changed">Rows with other values under the same key.</param>
/// <param name="Unchanged">Rows that are equal.</param>
/// <param name="DuplicateKeys">Rows whose key an earlier row of the same version has: the earlier one counts.</param>
/// <param name="Columns">Columns that were compared: those of both versions.</param>
/// <param name="AddedRows">Rows that were added, the first of them.</param>
/// <param name="RemovedRows">Rows that were removed, the first of them.</param>
/// <param name="ChangedRows">Rows that were changed, the first of them.</param>
public sealed record DatasetRowDiff(
    long Added, long Removed, long Changed, long Unchanged, long DuplicateKeys, IReadOnlyList<string> Columns,
    IReadOnlyList<DatasetRowChange> AddedRows, IReadOnlyList<DatasetRowChange> RemovedRows, IReadOnlyList<DatasetRowChange> ChangedRows);

/// <summary>A row that differs.</summary>
/// <param name="Key">The values of the key.</param>
/// <param name="Cells">The values that changed; all values of a row that came or went.</param>
public sealed record DatasetRowChange(IReadOnlyList<object?> Key, IReadOnlyList<DatasetCellChange> Cells);

/// <summary>A value that changed.</summary>
public sealed record DatasetCellChange(string Column, object? Before, object? Now);
