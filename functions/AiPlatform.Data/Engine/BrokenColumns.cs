namespace AiPlatform.Data.Engine;

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
        var columns = new List<EngineColumn>(table.Columns.Count);
        foreach (var column in table.Columns)
        {
            try
            {
                await session.OneAsync($"SELECT count({column.Shown}) FROM {table.From}", [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
                columns.Add(column);
            }
            catch (DataFormatException exception) when (exception.Code == DataErrors.DataCorrupt)
            {
                columns.Add(column with { IsBroken = true });
            }
        }

        return table with { Columns = columns };
    }
}
