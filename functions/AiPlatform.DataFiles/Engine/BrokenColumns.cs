namespace AiPlatform.DataFiles.Engine;

/// <summary>Goes on without the columns that cannot be read, after a query over all of them failed.</summary>
internal static class BrokenColumns
{
    /// <summary>Runs a query; where the data cannot be decoded, again without the columns that are to blame.</summary>
    /// <param name="query">The query over a table.</param>
    /// <param name="issues">Takes the names of columns that were left out.</param>
    public static async Task<T> WithoutAsync<T>(
        EngineSession session, EngineTable table, DataIssues issues, Func<EngineTable, Task<T>> query, CancellationToken cancellationToken)
    {
        try
        {
            return await query(table).ConfigureAwait(false);
        }
        catch (DataFormatException exception) when (exception.Code == DataErrors.DataCorrupt)
        {
            var marked = await MarkAsync(session, table, cancellationToken).ConfigureAwait(false);
            if (marked.Columns.All(static column => column.IsBroken) || !marked.Columns.Any(static column => column.IsBroken))
            {
                throw;
            }

            foreach (var column in marked.Columns.Where(static column => column.IsBroken))
            {
                issues.Add(DataErrors.ColumnUnreadable, null, $"The column “{column.Column.Name}” cannot be read.");
            }

            return await query(marked).ConfigureAwait(false);
        }
    }

    /// <summary>The table with its unreadable columns marked.</summary>
    public static async Task<EngineTable> MarkAsync(EngineSession session, EngineTable table, CancellationToken cancellationToken)
    {
        var broken = new HashSet<int>();
        await FindAsync(session, table, [.. table.Columns], broken, cancellationToken).ConfigureAwait(false);
        return table with { Columns = [.. table.Columns.Select(column => broken.Contains(column.Index) ? column with { IsBroken = true } : column)] };
    }

    // Those that can be read together are not asked one by one.
    private static async Task FindAsync(EngineSession session, EngineTable table, EngineColumn[] columns, HashSet<int> broken, CancellationToken cancellationToken)
    {
        try
        {
            var counts = string.Join(", ", columns.Select(static column => $"count({column.Shown})"));
            await session.OneAsync($"SELECT {counts} FROM {table.From}", [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        }
        catch (DataFormatException exception) when (exception.Code == DataErrors.DataCorrupt)
        {
            if (columns.Length == 1)
            {
                broken.Add(columns[0].Index);
                return;
            }

            await FindAsync(session, table, columns[..(columns.Length / 2)], broken, cancellationToken).ConfigureAwait(false);
            await FindAsync(session, table, columns[(columns.Length / 2)..], broken, cancellationToken).ConfigureAwait(false);
        }
    }
}
