using AiPlatform.DataFiles.Parquet;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Engine;

/// <summary>Staged files with the same columns, queried as one table.</summary>
/// <param name="Columns">The columns.</param>
/// <param name="Files">The files, in order, and the rows of each.</param>
internal sealed record EngineTable(IReadOnlyList<EngineColumn> Columns, IReadOnlyList<(string Path, long Rows)> Files)
{
    /// <summary>Rows in all.</summary>
    public long Rows => Files.Sum(static file => file.Rows);

    /// <summary>The table in SQL: <c>c0</c>, <c>c1</c> and so on, the row in its file (<c>rn</c>) and the file's place (<c>fi</c>).</summary>
    public string From => Source(Files.Select(static file => file.Path));

    /// <summary>What tells where a row is, for <see cref="RowNumber"/>.</summary>
    public static string RowSql => "rn, fi::BIGINT";

    /// <summary>One file of the table in SQL.</summary>
    public string FromFile(int file) => Source([Files[file].Path]);

    /// <summary>The number of a row, from 1 over all files.</summary>
    /// <param name="reader">A row that selects <see cref="RowSql"/>.</param>
    public long RowNumber(DuckDBDataReader reader, int ordinal)
        => reader.GetInt64(ordinal) + 1 + Files.Take((int)reader.GetInt64(ordinal + 1)).Sum(static file => file.Rows);

    /// <summary>Opens one staged file.</summary>
    /// <exception cref="DataFormatException">The engine cannot read it at all.</exception>
    public static async Task<EngineTable> OpenAsync(EngineSession session, StagedTable staged, CancellationToken cancellationToken)
    {
        var path = DataEngine.Literal(staged.Path);
        var types = await session.ListAsync($"DESCRIBE SELECT * FROM read_parquet({path})", [], static row => row.GetString(1), cancellationToken).ConfigureAwait(false);
        var declared = staged.Content.Columns ?? ParquetSchema.Read(staged.Path);
        if (declared.Count != types.Count)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "The schema cannot be understood.");
        }

        var rows = await session.OneAsync($"SELECT count(*) FROM read_parquet({path})", [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        return new EngineTable([.. declared.Select((column, index) => new EngineColumn(index, column, types[index]))], [(staged.Path, rows)]);
    }

    /// <summary>The same table with a further file.</summary>
    public EngineTable With(EngineTable other) => this with { Files = [.. Files, .. other.Files] };

    private string Source(IEnumerable<string> paths)
    {
        var names = string.Join(", ", Columns.Select(static column => column.Sql));
        return $"(SELECT *, file_row_number AS rn, file_index AS fi FROM read_parquet([{string.Join(", ", paths.Select(DataEngine.Literal))}]) AS t({names}))";
    }
}
