using AiPlatform.Data.Parquet;
using AiPlatform.Data.Sources;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Preview;

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
    private const int MaxText = 2000;
    private const long SmallBytes = 2 * 1024 * 1024;
    private const int MaxGroups = 4;

    /// <summary>The first rows.</summary>
    public static async Task<TableRows> FirstAsync(IByteSource source, TableFormat format, int count, CancellationToken cancellationToken)
    {
        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        var rows = new List<PreviewRow>(count);
        if (reader is ParquetTable parquet)
        {
            for (var group = 0; group < parquet.RowGroups.Count && rows.Count < count; group++)
            {
                var chunk = await parquet.OpenAsync(group, count - rows.Count, cancellationToken).ConfigureAwait(false);
                await AddAsync(reader, chunk, Enumerable.Range(0, chunk.Count), rows, cancellationToken).ConfigureAwait(false);
            }
        }
        else
        {
            while (rows.Count < count && await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
            {
                await AddAsync(reader, chunk, Enumerable.Range(0, Math.Min(chunk.Count, count - rows.Count)), rows, cancellationToken).ConfigureAwait(false);
            }
        }

        return new TableRows(reader.Columns, rows, reader.RowCount, rows.Count, rows.Count < count || rows.Count == reader.RowCount, reader.Issues.First) { Dialect = reader.Dialect };
    }

    /// <summary>Random rows: of a small file each with the same chance, of a large one from a few random places.</summary>
    public static async Task<TableRows> RandomAsync(IByteSource source, TableFormat format, int count, int seed, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        if (reader is ParquetTable parquet)
        {
            return await RandomAsync(parquet, count, random, cancellationToken).ConfigureAwait(false);
        }

        return source.Length <= SmallBytes
            ? await ReservoirAsync(reader, count, random, cancellationToken).ConfigureAwait(false)
            : await TextWindows.ReadAsync(source, reader, format.Options ?? ReadOptions.Detect, count, random, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Rows that satisfy a condition, from the beginning on, until there are enough or the time is over.</summary>
    /// <param name="parse">Makes the condition for the table's columns.</param>
    /// <param name="isOver">Whether looking must end.</param>
    public static async Task<TableRows> FilteredAsync(
        IByteSource source, TableFormat format, Func<IReadOnlyList<TableColumn>, RowFilter> parse, int count, Func<bool> isOver, CancellationToken cancellationToken)
    {
        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        var filter = parse(reader.Columns);
        var (rows, scanned, isComplete) = (new List<PreviewRow>(), 0L, false);
        var vectors = new ColumnVector?[reader.Columns.Count];
        while (!isOver())
        {
            if (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is not { } chunk)
            {
                isComplete = true;
                break;
            }

            foreach (var column in filter.Columns)
            {
                vectors[column] = await chunk.ReadAsync(column, cancellationToken).ConfigureAwait(false);
            }

            scanned += chunk.Count;
            var matching = Enumerable.Range(0, chunk.Count).Where(row => filter.Matches(vectors, row)).Take(count - rows.Count).ToList();
            await AddAsync(reader, chunk, matching, rows, cancellationToken).ConfigureAwait(false);
            if (rows.Count == count)
            {
                break;
            }
        }

        return new TableRows(reader.Columns, rows, reader.RowCount, scanned, isComplete, reader.Issues.First) { Dialect = reader.Dialect };
    }

    /// <summary>The value as a preview shows it.</summary>
    internal static object? Shown(object? value) => value switch
    {
        string { Length: > MaxText } text => $"{text[..MaxText]}…",
        double number when !double.IsFinite(number) => null,
        _ => value,
    };

    private static async Task<TableRows> RandomAsync(ParquetTable table, int count, Random random, CancellationToken cancellationToken)
    {
        var groups = table.RowGroups.Select(static (rows, index) => (rows, index)).Where(static group => group.rows > 0).Select(static group => group.index).ToArray();
        random.Shuffle(groups);
        var (picked, rows) = (groups.Take(MaxGroups).Order().ToList(), new List<PreviewRow>(count));
        for (var i = 0; i < picked.Count; i++)
        {
            var share = (count - rows.Count) / (picked.Count - i);
            var window = Math.Max(share * 20, 1000);
            var chunk = await table.OpenAsync(picked[i], (int)Math.Min(window, table.RowGroups[picked[i]]), cancellationToken).ConfigureAwait(false);
            var drawn = Enumerable.Range(0, chunk.Count).ToArray();
            random.Shuffle(drawn);
            await AddAsync(table, chunk, drawn.Take(share).Order(), rows, cancellationToken).ConfigureAwait(false);
        }

        return new TableRows(table.Columns, rows, table.RowCount, rows.Count, true, []);
    }

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
