using System.Runtime.InteropServices;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Statistics;
using AiPlatform.DataFiles.Tables;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Finds out what there is to know about one column.</summary>
/// <param name="session">The session that asks.</param>
/// <param name="table">The table.</param>
/// <param name="drawn">The rows of the sample, from 0, in order.</param>
/// <param name="dateOrder">How 01/02/2024 is read; null where nobody told.</param>
/// <param name="maxNumbers">Different numbers that are held in memory at most; beyond, the engine computes.</param>
internal sealed class ColumnProfiler(EngineSession session, EngineTable table, IReadOnlyList<long> drawn, DateOrder? dateOrder, int maxNumbers)
{
    /// <summary>Profiles a column. One that cannot be read costs itself only.</summary>
    public async Task<ColumnFacts> ProfileAsync(EngineColumn column, CancellationToken cancellationToken)
    {
        try
        {
            return column.Family switch
            {
                ValueFamily.Integer or ValueFamily.BigInteger or ValueFamily.Decimal or ValueFamily.Float => await NumbersAsync(column, cancellationToken).ConfigureAwait(false),
                ValueFamily.Text when !column.Column.IsOpaque => await TextsAsync(column, cancellationToken).ConfigureAwait(false),
                _ => await ValuesAsync(column, cancellationToken).ConfigureAwait(false),
            };
        }
        catch (DataFormatException exception) when (exception.Code is DataErrors.DataCorrupt)
        {
            var profile = new ColumnProfile(column.Column.Name, column.Column.Declared, ColumnType.Opaque, table.Rows, 0, 0, true, 0, [], 0, null, null, null, []);
            return new ColumnFacts(profile, ColumnSample.Empty, [], new DataIssue(DataErrors.ColumnUnreadable, null, $"The column “{column.Column.Name}” cannot be read."));
        }
    }

    /// <summary>A cell as a number for statistics, in SQL.</summary>
    public static string Numeric(EngineColumn column) => column.Family == ValueFamily.Text ? $"text_number({column.Value})" : $"{column.Value}::DOUBLE";

    private async Task<ColumnFacts> NumbersAsync(EngineColumn column, CancellationToken cancellationToken)
    {
        var type = ColumnFacts.TypeOf(column);
        var top = new MostFrequent(ColumnFacts.MaxCategories);
        var sample = new double[drawn.Count];
        Array.Fill(sample, double.NaN);
        var isExactInMemory = column.Family is ValueFamily.Integer or ValueFamily.Float;
        if (table.Rows <= maxNumbers && isExactInMemory)
        {
            var runs = column.Family == ValueFamily.Integer
                ? NumberRuns.Of(CollectionsMarshal.AsSpan(await ReadAsync(column, static (row, _) => row.GetInt64(0), static value => value, sample, cancellationToken).ConfigureAwait(false)))
                : NumberRuns.Of(CollectionsMarshal.AsSpan(await ReadAsync(column, static (row, _) => row.GetDouble(0), static value => value, sample, cancellationToken).ConfigureAwait(false)));
            runs.AddTo(top);

            var summary = runs.Finite.Count > 0 ? await WithRowsAsync(column, NumberSummary.Of(runs.Finite, runs.Infinite), cancellationToken).ConfigureAwait(false) : null;
            return ColumnFacts.Of(column, type, table.Rows, table.Rows - runs.Count, runs.Distinct, 0, top, summary, null, null, [], new ColumnSample(sample, []));
        }

        var (values, distinct) = await CountAsync(column.Value, cancellationToken).ConfigureAwait(false);
        await TopAsync(column, top, cancellationToken).ConfigureAwait(false);
        await SampleAsync($"{column.Value}::DOUBLE", (row, place) => sample[place] = row.GetDouble(1), cancellationToken).ConfigureAwait(false);
        var numeric = await NumericAsync(column, distinct, cancellationToken).ConfigureAwait(false);
        return ColumnFacts.Of(column, type, table.Rows, table.Rows - values, distinct, 0, top, numeric, null, null, [], new ColumnSample(sample, []));
    }

    private async Task<ColumnFacts> TextsAsync(EngineColumn column, CancellationToken cancellationToken)
    {
        var texts = new TextTally(column.IsUntyped, dateOrder, maxNumbers);
        await session.ReadAsync(
            $"SELECT v, count(*) FROM (SELECT {column.Value} AS v FROM {table.From}) WHERE v IS NOT NULL GROUP BY v", [],
            row =>
            {
                texts.Add(row.GetString(0), row.GetInt64(1));
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        var sample = new ColumnSample(new double[drawn.Count], new string?[drawn.Count]);
        Array.Fill(sample.Numbers, double.NaN);
        await SampleAsync($"left({column.Value}, {TextTally.SampleText})", (row, place) => texts.Sample(row.GetString(1), place, sample), cancellationToken).ConfigureAwait(false);
        var type = texts.Type();
        NumericProfile? numeric = null;
        if (type is ColumnType.Integer or ColumnType.Number && texts.FiniteNumbers > 0)
        {
            numeric = texts.Numbers() is { } numbers
                ? await WithRowsAsync(column, NumberSummary.Of(numbers, 0), cancellationToken).ConfigureAwait(false)
                : await new EngineNumbers(session, table, Numeric(column)).ProfileAsync(cancellationToken).ConfigureAwait(false);
        }

        return ColumnFacts.Of(
            column, type, table.Rows, table.Rows - texts.Count, texts.Distinct, texts.Mismatches(type), texts.Top, numeric, texts.Text(type), texts.Time(type), texts.Pii, sample,
            texts.Dates(column.Column.Name));
    }

    // Times, flags, bytes and nested values.
    private async Task<ColumnFacts> ValuesAsync(EngineColumn column, CancellationToken cancellationToken)
    {
        var type = ColumnFacts.TypeOf(column);
        var (values, distinct) = await CountAsync(column.Value, cancellationToken).ConfigureAwait(false);
        var top = new MostFrequent(ColumnFacts.MaxCategories);
        if (type != ColumnType.Opaque)
        {
            await TopAsync(column, top, cancellationToken).ConfigureAwait(false);
        }

        TimeProfile? time = null;
        if (column.Family is ValueFamily.Date or ValueFamily.Timestamp && values > 0)
        {
            time = await session.OneAsync(
                $"SELECT min({column.Shown}), max({column.Shown}) FROM {table.From}", [],
                row => row.IsDBNull(0) ? null : new TimeProfile((string)ShownValue.Read(row, 0, column)!, (string)ShownValue.Read(row, 1, column)!), cancellationToken).ConfigureAwait(false);
        }

        return ColumnFacts.Of(column, type, table.Rows, table.Rows - values, distinct, 0, top, null, null, time, [], ColumnSample.Empty);
    }

    // All values in the order of the rows; those of the sample go into it.
    private async Task<List<T>> ReadAsync<T>(
        EngineColumn column, Func<DuckDBDataReader, int, T> get, Func<T, double> number, double[] sample, CancellationToken cancellationToken)
    {
        var values = new List<T>((int)table.Rows);
        var (index, place) = (0L, 0);
        await session.ReadAsync(
            $"SELECT {column.Value}{(column.Family == ValueFamily.Integer ? "::BIGINT" : "::DOUBLE")} FROM {table.From}", [],
            row =>
            {
                var isSampled = place < drawn.Count && drawn[place] == index++;
                if (!row.IsDBNull(0))
                {
                    var value = get(row, 0);
                    values.Add(value);
                    if (isSampled)
                    {
                        sample[place] = number(value);
                    }
                }

                place += isSampled ? 1 : 0;
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        return values;
    }

    private Task<(long Values, long Distinct)> CountAsync(string value, CancellationToken cancellationToken) => session.OneAsync(
        $"SELECT coalesce(sum(n), 0)::BIGINT, count(*) FROM (SELECT count(*) AS n FROM (SELECT {value} AS v FROM {table.From}) WHERE v IS NOT NULL GROUP BY v)", [],
        static row => (row.GetInt64(0), row.GetInt64(1)), cancellationToken);

    private async Task TopAsync(EngineColumn column, MostFrequent top, CancellationToken cancellationToken)
    {
        var sql = $"SELECT count(*) AS n, {column.ShownOf("v")} FROM (SELECT {column.Value} AS v FROM {table.From}) WHERE v IS NOT NULL GROUP BY v ORDER BY n DESC, v LIMIT {ColumnFacts.MaxCategories}";
        var order = 0;
        await session.ReadAsync(
            sql, [],
            row =>
            {
                // The engine has put equal counts in order already.
                var shown = ShownValue.Read(row, 1, column);
                top.Add(row.GetInt64(0), order++, shown is bool flag ? flag ? "true" : "false" : Convert.ToString(shown, System.Globalization.CultureInfo.InvariantCulture));
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    // The drawn rows that have a value: its place in the sample, the value.
    private async Task SampleAsync(string value, Action<DuckDBDataReader, int> take, CancellationToken cancellationToken)
    {
        var (first, place) = (0L, 0);
        for (var file = 0; file < table.Files.Count && place < drawn.Count; file++)
        {
            var begin = place;
            while (place < drawn.Count && drawn[place] < first + table.Files[file].Rows)
            {
                place++;
            }

            if (place > begin)
            {
                var rows = Enumerable.Range(begin, place - begin).ToDictionary(index => drawn[index] - first);
                var isAll = rows.Count == table.Files[file].Rows;
                var where = isAll ? string.Empty : $" AND rn IN ({string.Join(", ", rows.Keys)})";
                await session.ReadAsync(
                    $"SELECT rn, {value} AS v FROM {table.FromFile(file)} WHERE v IS NOT NULL{where}", [],
                    row =>
                    {
                        take(row, rows[row.GetInt64(0)]);
                        return true;
                    },
                    cancellationToken).ConfigureAwait(false);
            }

            first += table.Files[file].Rows;
        }
    }

    private async Task<NumericProfile?> NumericAsync(EngineColumn column, long distinct, CancellationToken cancellationToken)
    {
        if (distinct == 0)
        {
            return null;
        }

        if (distinct > maxNumbers)
        {
            return await new EngineNumbers(session, table, Numeric(column)).ProfileAsync(cancellationToken).ConfigureAwait(false);
        }

        var infinite = 0L;
        var numbers = await session.ListAsync(
            $"SELECT v, count(*) FROM (SELECT {Numeric(column)} AS v FROM {table.From}) WHERE v IS NOT NULL GROUP BY v ORDER BY v", [],
            static row => (Value: row.GetDouble(0), Count: row.GetInt64(1)), cancellationToken).ConfigureAwait(false);
        infinite += numbers.Where(static number => double.IsInfinity(number.Value)).Sum(static number => number.Count);
        var finite = SortedNumbers.Of(numbers.Where(static number => double.IsFinite(number.Value)));
        return finite.Count == 0 ? null : await WithRowsAsync(column, NumberSummary.Of(finite, infinite), cancellationToken).ConfigureAwait(false);
    }

    // Where the most extreme outliers are.
    private async Task<NumericProfile> WithRowsAsync(EngineColumn column, NumericProfile numeric, CancellationToken cancellationToken)
    {
        var outliers = numeric.Outliers;
        return numeric with
        {
            Outliers = outliers with
            {
                Smallest = outliers.Contains(numeric.Min)
                    ? await EngineNumbers.ExtremesAsync(session, table, Numeric(column), "<", outliers.Low, cancellationToken).ConfigureAwait(false)
                    : [],
                Largest = outliers.Contains(numeric.Max)
                    ? await EngineNumbers.ExtremesAsync(session, table, Numeric(column), ">", outliers.High, cancellationToken).ConfigureAwait(false)
                    : [],
            },
        };
    }
}
