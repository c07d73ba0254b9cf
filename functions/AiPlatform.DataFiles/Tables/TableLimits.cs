namespace AiPlatform.DataFiles.Tables;

/// <summary>Bounds of what is read as a table, the same in every format.</summary>
internal static class TableLimits
{
    /// <summary>Columns of a table at most; those of nested ones count where the format stores them apart.</summary>
    public const int MaxColumns = 10_000;

    // Cells that readers hold at a time.
    private const int ChunkCells = 2_000_000;

    /// <summary>The error for a table with more columns.</summary>
    public static DataFormatException TooManyColumns(long? line = null)
        => new(DataErrors.TooManyColumns, $"More than {MaxColumns} columns.", line);

    /// <summary>Rows of a chunk, so that it holds a bounded number of cells.</summary>
    /// <param name="most">Rows when the table is narrow.</param>
    public static int ChunkRows(int columns, int most) => Math.Clamp(ChunkCells / Math.Max(1, columns), 1, most);
}
