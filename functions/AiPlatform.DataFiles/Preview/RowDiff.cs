namespace AiPlatform.DataFiles.Preview;

/// <summary>A value that changed.</summary>
/// <param name="Column">The column's name.</param>
/// <param name="Before">The value in the older version.</param>
/// <param name="Now">The value in the newer version.</param>
public sealed record CellChange(string Column, object? Before, object? Now);

/// <summary>A row that differs.</summary>
/// <param name="Key">The values of the key.</param>
/// <param name="Cells">The values that changed; all values of a row that came or went.</param>
public sealed record RowChange(IReadOnlyList<object?> Key, IReadOnlyList<CellChange> Cells);

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
public sealed record RowDiff(
    long Added, long Removed, long Changed, long Unchanged, long DuplicateKeys, IReadOnlyList<string> Columns,
    IReadOnlyList<RowChange> AddedRows, IReadOnlyList<RowChange> RemovedRows, IReadOnlyList<RowChange> ChangedRows);

/// <summary>A table is too large, or has no such key.</summary>
/// <param name="reason"><c>tooLarge</c> or <c>noColumn</c>.</param>
/// <param name="value">The bound, or the column.</param>
public sealed class RowDiffException(string reason, object value) : Exception($"{reason}: {value}")
{
    /// <summary>Why.</summary>
    public string Reason { get; } = reason;

    /// <summary>The bound, or the column.</summary>
    public object Value { get; } = value;
}
