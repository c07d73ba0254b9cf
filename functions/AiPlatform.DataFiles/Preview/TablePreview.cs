using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Parquet;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Preview;

/// <summary>A row of a preview.</summary>
/// <param name="Number">Its number in the file from 1; null where only its bytes were found.</param>
/// <param name="Values">A text, number, boolean or null for each column.</param>
public sealed record PreviewRow(long? Number, IReadOnlyList<object?> Values);

/// <summary>Rows of a table.</summary>
/// <param name="TotalRows">Rows of the file where that is known without reading it.</param>
/// <param name="ScannedRows">Rows that were looked at.</param>
/// <param name="IsComplete">False when looking ended early: more rows may match.</param>
/// <param name="Issues">What was wrong with what was read.</param>
public sealed record TableRows(
    IReadOnlyList<TableColumn> Columns, IReadOnlyList<PreviewRow> Rows, long? TotalRows, long ScannedRows, bool IsComplete, IReadOnlyList<DataIssue> Issues)
{
    /// <summary>How the file is written, for formats of text.</summary>
    public TableDialect? Dialect { get; init; }
}

/// <summary>Shows rows of a table without reading the whole of a large one.</summary>
public static class TablePreview
{
    private const long SmallBytes = 2 * 1024 * 1024;
    private const long StagedBytes = 64 * 1024 * 1024;
    private const int MaxGroups = 4;
    private const int ColumnsAtOnce = 64;

    /// <summary>The first rows.</summary>
    public static async Task<TableRows> FirstAsync(IByteSource source, TableFormat format, int count, CancellationToken cancellationToken)
    {
        if (format.Format == FileFormat.Parquet)
        {
            var (file, found) = await ParquetPreview.FirstAsync(source, count, cancellationToken).ConfigureAwait(false);
            return Rows(file, found);
        }

        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        var rows = new List<PreviewRow>(count);
        while (rows.Count < count && await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
        {
            await AddAsync(reader, chunk, Enumerable.Range(0, Math.Min(chunk.Count, count - rows.Count)), rows, cancellationToken).ConfigureAwait(false);
        }

        return new TableRows(reader.Columns, rows, reader.RowCount, rows.Count, rows.Count < count || rows.Count == reader.RowCount, reader.Issues.First) { Dialect = reader.Dialect };
    }

    /// <summary>Random rows: of a small file each with the same chance, of a large one from a few random places.</summary>
    /// <param name="stagedBytes">Parquet of up to so many bytes is fetched for it.</param>
    public static async Task<TableRows> RandomAsync(
        DataEngine engine, IByteSource source, TableFormat format, int count, int seed, CancellationToken cancellationToken, long stagedBytes = StagedBytes)
    {
        var random = new Random(seed);
        if (format.Format == FileFormat.Parquet)
        {
            return source.Length <= stagedBytes
                ? await DrawAsync(engine, source, count, random, cancellationToken).ConfigureAwait(false)
                : await GroupsAsync(source, count, random, cancellationToken).ConfigureAwait(false);
        }

        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        return source.Length <= SmallBytes
            ? await ReservoirAsync(reader, count, random, cancellationToken).ConfigureAwait(false)
            : await TextWindows.ReadAsync(source, reader, format.Options ?? ReadOptions.Detect, count, random, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Rows that satisfy a condition, from the beginning on, until there are enough or the time is over.</summary>
    /// <param name="filter">The condition.</param>
    /// <param name="time">How long the query may look.</param>
    /// <exception cref="FilterException">The condition cannot be understood.</exception>
    public static async Task<TableRows> FilteredAsync(
        DataEngine engine, IByteSource source, TableFormat format, string filter, int count, TimeSpan time, CancellationToken cancellationToken)
    {
        using var staged = await TableStager.StageAsync(engine, source, format, cancellationToken).ConfigureAwait(false);
        using var session = await engine.OpenAsync(cancellationToken).ConfigureAwait(false);
        var table = await EngineTable.OpenAsync(session, staged, cancellationToken).ConfigureAwait(false);
        var condition = RowFilter.Parse(filter, table.Columns);
        await CheckPatternsAsync(session, condition, cancellationToken).ConfigureAwait(false);
        var issues = staged.Content.AllIssues();
        var (rows, isComplete) = await BrokenColumns.WithoutAsync(
            session, table, issues, readable => FindAsync(session, readable, condition, count, time, cancellationToken), cancellationToken).ConfigureAwait(false);
        return new TableRows(
            [.. table.Columns.Select(static column => column.Column)], rows, table.Rows, isComplete ? table.Rows : rows.LastOrDefault()?.Number ?? 0, isComplete, issues.First)
        { Dialect = staged.Content.Dialect };
    }

    private static async Task<(List<PreviewRow> Rows, bool IsComplete)> FindAsync(
        EngineSession session, EngineTable table, RowFilter condition, int count, TimeSpan time, CancellationToken cancellationToken)
    {
        var found = new List<long>();
        var rows = new List<PreviewRow>();
        try
        {
            if (table.Columns.Count <= ColumnsAtOnce)
            {
                await session.ReadAsync(
                    $"SELECT {EngineTable.RowSql}, {Shown(table.Columns)} FROM {table.From} WHERE {condition.Sql} LIMIT {count}", condition.Parameters,
                    row =>
                    {
                        rows.Add(Row(table, row));
                        return true;
                    },
                    cancellationToken, time).ConfigureAwait(false);
                return (rows, rows.Count < count);
            }

            await session.ReadAsync(
                $"SELECT rn FROM {table.From} WHERE {condition.Sql} LIMIT {count}", condition.Parameters,
                row =>
                {
                    found.Add(row.GetInt64(0));
                    return true;
                },
                cancellationToken, time).ConfigureAwait(false);
            return (await ShowAsync(session, table, found, cancellationToken).ConfigureAwait(false), found.Count < count);
        }
        catch (DataFormatException exception) when (exception.Code == DataErrors.QueryTime)
        {
            return (rows.Count > 0 ? rows : await ShowAsync(session, table, found, cancellationToken).ConfigureAwait(false), false);
        }
    }

    // The rows of a file with many columns, some of these at a time: the engine holds a block of thousands of rows of each that it is asked for.
    private static async Task<List<PreviewRow>> ShowAsync(EngineSession session, EngineTable table, IReadOnlyCollection<long> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var shown = new SortedDictionary<long, object?[]>();
        foreach (var columns in table.Columns.Chunk(ColumnsAtOnce))
        {
            await session.ReadAsync(
                $"SELECT rn, {Shown(columns)} FROM {table.From} WHERE rn IN ({string.Join(", ", rows)})", [],
                row =>
                {
                    if (!shown.TryGetValue(row.GetInt64(0), out var values))
                    {
                        shown[row.GetInt64(0)] = values = new object?[table.Columns.Count];
                    }

                    for (var i = 0; i < columns.Length; i++)
                    {
                        values[columns[i].Index] = ShownValue.Read(row, i + 1, columns[i]);
                    }

                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }

        return [.. shown.Select(static pair => new PreviewRow(pair.Key + 1, pair.Value))];
    }

    // Every row has the same chance.
    private static async Task<TableRows> DrawAsync(DataEngine engine, IByteSource source, int count, Random random, CancellationToken cancellationToken)
    {
        using var staged = await TableStager.StageAsync(engine, source, FileFormat.Parquet, cancellationToken).ConfigureAwait(false);
        using var session = await engine.OpenAsync(cancellationToken).ConfigureAwait(false);
        var table = await EngineTable.OpenAsync(session, staged, cancellationToken).ConfigureAwait(false);
        var drawn = RowDraw.Rows(table.Rows, count, random);
        var issues = staged.Content.AllIssues();
        var rows = drawn.Count == 0
            ? []
            : await BrokenColumns.WithoutAsync(
                session, table, issues,
                readable => ShowAsync(session, readable, drawn, cancellationToken), cancellationToken).ConfigureAwait(false);
        return new TableRows([.. table.Columns.Select(static column => column.Column)], rows, table.Rows, rows.Count, true, issues.First);
    }

    private static async Task<TableRows> GroupsAsync(IByteSource source, int count, Random random, CancellationToken cancellationToken)
    {
        var shares = new List<int>();
        var (file, found) = await ParquetPreview.ReadAsync(
            source,
            opened =>
            {
                var groups = Enumerable.Range(0, opened.Groups.Count).Where(group => opened.Groups[group] > 0).ToArray();
                random.Shuffle(groups);
                var picked = groups.Take(MaxGroups).Order().ToList();
                var left = count;
                return picked.ConvertAll(group =>
                {
                    var share = left / (picked.Count - shares.Count);
                    shares.Add(share);
                    left -= share;
                    return (group, (int)Math.Min(Math.Max(share * 20, 1000), opened.Groups[group]));
                });
            },
            cancellationToken).ConfigureAwait(false);
        var rows = new List<(long Row, object?[] Values)>();
        var groupsFound = found.GroupBy(row => file.GroupOf(row.Row)).OrderBy(static group => group.Key).ToList();
        for (var i = 0; i < groupsFound.Count; i++)
        {
            var window = groupsFound[i].ToArray();
            random.Shuffle(window);
            rows.AddRange(window.Take(shares[i]).OrderBy(static row => row.Row));
        }

        return Rows(file, rows) with { IsComplete = true };
    }

    private static async Task CheckPatternsAsync(EngineSession session, RowFilter filter, CancellationToken cancellationToken)
    {
        foreach (var pattern in filter.Patterns)
        {
            try
            {
                await session.OneAsync("SELECT regexp_matches('', $1)", [pattern.Text], static row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);
            }
            catch (DataFormatException exception) when (exception.Code == DataErrors.DataCorrupt)
            {
                throw new FilterException(pattern.Position, "this regular expression is not supported");
            }
        }
    }

    private static TableRows Rows(ParquetPreview file, List<(long Row, object?[] Values)> rows) => new(
        file.Columns, [.. rows.Select(static row => new PreviewRow(row.Row + 1, row.Values))], file.Rows, rows.Count, rows.Count == file.Rows, file.Issues.First);

    private static string Shown(IEnumerable<EngineColumn> columns) => string.Join(", ", columns.Select(static column => column.Shown));

    private static PreviewRow Row(EngineTable table, DuckDBDataReader row)
        => new(table.RowNumber(row, 0), [.. table.Columns.Select(column => ShownValue.Read(row, column.Index + 2, column))]);

    /// <summary>The value as a preview shows it.</summary>
    internal static object? Shown(object? value) => value switch
    {
        string text => ShownValue.Text(text),
        double number => ShownValue.Number(number),
        _ => value,
    };

    private static async Task<TableRows> ReservoirAsync(TableReader reader, int count, Random random, CancellationToken cancellationToken)
    {
        var (kept, seen) = (new List<PreviewRow>(count), 0L);
        while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
        {
            for (var row = 0; row < chunk.Count; row++)
            {
                var place = seen++ < count ? kept.Count : random.NextInt64(seen);
                if (place >= count)
                {
                    continue;
                }

                var one = new List<PreviewRow>(1);
                await AddAsync(reader, chunk, [row], one, cancellationToken).ConfigureAwait(false);
                if (place == kept.Count)
                {
                    kept.Add(one[0]);
                }
                else
                {
                    kept[(int)place] = one[0];
                }
            }
        }

        return new TableRows(reader.Columns, [.. kept.OrderBy(static row => row.Number)], seen, seen, true, reader.Issues.First) { Dialect = reader.Dialect };
    }

    private static async Task AddAsync(TableReader reader, TableChunk chunk, IEnumerable<int> wanted, List<PreviewRow> rows, CancellationToken cancellationToken)
    {
        var numbers = wanted.ToArray();
        if (numbers.Length == 0)
        {
            return;
        }

        var values = Array.ConvertAll(numbers, _ => new object?[reader.Columns.Count]);
        for (var column = 0; column < reader.Columns.Count; column++)
        {
            var vector = await chunk.ReadAsync(column, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < numbers.Length; i++)
            {
                values[i][column] = Shown(vector.Value(numbers[i]));
            }
        }

        rows.AddRange(numbers.Select((number, i) => new PreviewRow(chunk.FirstRow + number + 1, values[i])));
    }
}
