using System.Globalization;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Finds out what there is to know about many columns of few rows, by a handful of queries for all of them together.</summary>
/// <param name="session">The session that asks.</param>
/// <param name="table">The table, of as many rows as memory holds for every column of a batch.</param>
/// <param name="drawn">The rows of the sample, from 0, in order.</param>
/// <param name="dateOrder">How 01/02/2024 is read; null where nobody told.</param>
internal sealed class BatchProfiler(EngineSession session, EngineTable table, IReadOnlyList<long> drawn, DateOrder? dateOrder)
{
    // A query for as many counts of different values needs a table in memory for each.
    private const int CountedTogether = 32;

    /// <summary>Profiles columns. The answers are those of <see cref="ColumnProfiler"/>.</summary>
    public async Task<IReadOnlyList<ColumnFacts>> ProfileAsync(IReadOnlyList<EngineColumn> columns, CancellationToken cancellationToken)
    {
        var batch = columns.Select(column => new BatchColumn(column, drawn.Count, dateOrder)).ToList();
        foreach (var counted in batch.Where(static column => column.IsCounted).Chunk(CountedTogether))
        {
            await CountsAsync(counted, cancellationToken).ConfigureAwait(false);
        }

        foreach (var group in batch.Where(static column => !column.IsCounted).GroupBy(static column => (column.Column.SqlType, column.Column.IsUntyped)))
        {
            await GroupAsync([.. group], cancellationToken).ConfigureAwait(false);
        }

        batch.ForEach(static column => column.Summarize());
        foreach (var group in batch.Where(static column => column.Bounds is not (null, null)).GroupBy(static column => column.IsText))
        {
            await OutliersAsync([.. group], cancellationToken).ConfigureAwait(false);
        }

        return [.. batch.Select(column => column.Build(table.Rows))];
    }

    // Columns of one type, whose values can be in one list.
    private async Task GroupAsync(BatchColumn[] columns, CancellationToken cancellationToken)
    {
        var first = columns[0];
        var values = $"(SELECT unnest(range({columns.Length})) AS i, unnest([{List(columns, static column => column.Column.Sql)}]) AS c FROM {table.From})";
        if (first.IsSampled)
        {
            var (index, place, last) = (-1L, -1, -1);
            await session.ReadAsync(
                $"SELECT i, {first.RowSql("c")} FROM {values}", [],
                row =>
                {
                    // A row gives its values one after the other.
                    var column = (int)row.GetInt64(0);
                    if (column == 0)
                    {
                        place = last + 1 < drawn.Count && drawn[last + 1] == ++index ? ++last : -1;
                    }

                    columns[column].Row(row, 1, place);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }

        var different = $"(SELECT i, {first.Column.ValueOf("c")} AS v FROM {values}) WHERE v IS NOT NULL GROUP BY i, v";
        if (first.IsText)
        {
            await session.ReadAsync(
                $"SELECT i, v, count(*) FROM {different}", [],
                row =>
                {
                    columns[(int)row.GetInt64(0)].Text(row.GetString(1), row.GetInt64(2));
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }
        else if (!first.IsPlainNumber)
        {
            await session.ReadAsync(
                $"SELECT i, count(*) AS n, {first.Column.ShownOf("v")}{(first.Column.IsNumeric ? ", v::DOUBLE" : string.Empty)} FROM {different} ORDER BY i, n DESC, v", [],
                row =>
                {
                    columns[(int)row.GetInt64(0)].Group(row, row.GetInt64(1), 2);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task CountsAsync(BatchColumn[] columns, CancellationToken cancellationToken)
        => await session.ReadAsync(
            $"SELECT {List(columns, static column => $"count({column.Column.Value}), count(DISTINCT {column.Column.Value})")} FROM {table.From}", [],
            row =>
            {
                for (var i = 0; i < columns.Length; i++)
                {
                    columns[i].Counted(row.GetInt64(2 * i), row.GetInt64((2 * i) + 1));
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);

    private async Task OutliersAsync(BatchColumn[] columns, CancellationToken cancellationToken)
    {
        string Bounds(Func<BatchColumn, double?> bound)
            => $"([{List(columns, column => bound(column) is { } value ? value.ToString("R", CultureInfo.InvariantCulture) + "::DOUBLE" : "NULL")}]::DOUBLE[])[i + 1]";
        // Columns of several types: as numbers they can be in one list, texts before they are read as such.
        var texts = columns[0].IsText;
        var cells = List(columns, column => texts ? column.Column.Value : $"{column.Column.Value}::DOUBLE");
        var numbers = $"(SELECT rn, fi, unnest(range({columns.Length})) AS i, unnest([{cells}]) AS c FROM {table.From})";
        await session.ReadAsync(
            $"""
            SELECT i, {EngineTable.RowSql}, x FROM (SELECT rn, fi, i, {(texts ? "text_number(c)" : "c")} AS x FROM {numbers})
            WHERE isfinite(x) AND (x < {Bounds(static column => column.Bounds.Low)} OR x > {Bounds(static column => column.Bounds.High)})
            """, [],
            row =>
            {
                columns[(int)row.GetInt64(0)].Outlier(new RowValue(table.RowNumber(row, 1), row.GetDouble(3)));
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static string List(BatchColumn[] columns, Func<BatchColumn, string> sql) => string.Join(", ", columns.Select(sql));
}
