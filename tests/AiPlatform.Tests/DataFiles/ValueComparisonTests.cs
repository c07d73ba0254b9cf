using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Values compare as what they are: in diffs, in duplicates, as keys and in conditions.</summary>
public sealed class ValueComparisonTests
{
    [Theory]
    [InlineData("x_listdup.parquet", 0)]
    [InlineData("x_dec.parquet", 0)]
    public async Task Rows_that_differ_in_lists_or_decimals_are_no_duplicates(string sample, long duplicates)
    {
        var table = await TableStatistics.ComputeAsync(Engines.Shared, sample, new MemorySource(await DuckDbFiles.SampleAsync(sample)), FileFormat.Parquet, CancellationToken.None);
        Assert.Equal((100L, duplicates, true), (table.Rows, table.Duplicates, table.AreDuplicatesExact));
    }

    [Theory]
    [InlineData("[1, NULL]", "[1, 2]")]
    [InlineData("[[1], [2]]", "[[1, 2]]")]
    [InlineData("{'a': 1, 'b': 'x'}", "{'a': 1, 'b': 'y'}")]
    [InlineData("MAP {'k': 1}", "MAP {'k': 2}")]
    [InlineData("'abc'::BLOB", "'abd'::BLOB")]
    [InlineData("9007199254740993::BIGINT", "9007199254740992::BIGINT")]
    [InlineData("18446744073709551615::UBIGINT", "18446744073709551614::UBIGINT")]
    [InlineData("1234567890123456.7801::DECIMAL(38, 4)", "1234567890123456.7802::DECIMAL(38, 4)")]
    [InlineData("TIMESTAMP_NS '2024-01-01 00:00:00.123456789'", "TIMESTAMP_NS '2024-01-01 00:00:00.123456788'")]
    [InlineData("TIMESTAMP '2024-01-01 00:00:00.000001'", "TIMESTAMP '2024-01-01 00:00:00'")]
    [InlineData("TIME '10:00:00.000001'", "TIME '10:00:00'")]
    [InlineData("INTERVAL 1 MONTH", "INTERVAL 30 DAY")]
    [InlineData("'infinity'::DOUBLE", "NULL::DOUBLE")]
    [InlineData("0.1::DOUBLE + 0.2", "0.3::DOUBLE")]
    [InlineData("''", "NULL::VARCHAR")]
    public async Task A_change_of_any_type_is_a_change_and_no_change_is_none(string before, string now)
    {
        var left = await DuckDbFiles.WriteAsync($"SELECT 1 AS id, {before} AS v UNION ALL SELECT 2, {before}");
        var right = await DuckDbFiles.WriteAsync($"SELECT 1 AS id, {now} AS v UNION ALL SELECT 2, {before}");
        var diff = await DiffAsync((new MemorySource(left), FileFormat.Parquet), (new MemorySource(right), FileFormat.Parquet), "id");
        Assert.Equal((0L, 0L, 1L, 1L), (diff.Added, diff.Removed, diff.Changed, diff.Unchanged));
        var cell = Assert.Single(Assert.Single(diff.ChangedRows).Cells);
        Assert.NotEqual(cell.Before, cell.Now);
        var byValue = await DiffAsync((new MemorySource(left), FileFormat.Parquet), (new MemorySource(right), FileFormat.Parquet), "v");
        Assert.Equal((1L, 0L), (byValue.Added, byValue.Removed));
    }

    [Fact]
    public async Task Ids_beyond_what_doubles_hold_stay_apart_as_keys_and_in_conditions()
    {
        var ids = new MemorySource(await DuckDbFiles.SampleAsync("bigint.csv"));
        var diff = await DiffAsync((ids, FileFormat.Csv), (ids, FileFormat.Csv), "id");
        Assert.Equal((0L, 0L, 0L, 3L, 0L), (diff.Added, diff.Removed, diff.Changed, diff.Unchanged, diff.DuplicateKeys));
        foreach (var (filter, expected) in new[]
        {
            ("id = 9007199254740993", "1"), ("id = 9007199254740992", "2"), ("id > 9007199254740992", "1,3"), ("id >= 9007199254740993.5", "3"),
            ("id in (9007199254740994, 9007199254740992)", "2,3"), ("id != 9007199254740993", "2,3"), ("id < 9007199254740993", "2"),
        })
        {
            Assert.Equal(expected, await FilterAsync(ids, FileFormat.Csv, filter, 1));
        }

        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", ids, FileFormat.Csv, CancellationToken.None);
        Assert.Equal(3, table.Columns[0].Distinct);
    }

    [Theory]
    [InlineData("big = 9007199254740993", "2")]
    [InlineData("big > 9007199254740992 and big < 9007199254740994", "2")]
    [InlineData("big = 1.5", "")]
    [InlineData("big > 1.5 and big < 9007199254740992.5", "1")]
    [InlineData("huge = 18446744073709551615", "1")]
    [InlineData("dec = 1234567890123456.7802", "2")]
    [InlineData("dec < 1234567890123456.78015", "1")]
    [InlineData("f = 0.1", "1")]
    [InlineData("day >= '2024-01-02'", "2,3")]
    [InlineData("day < '2024/01/02'", "1")]
    [InlineData("ns = '2024-01-01 00:00:00.000000002'", "2")]
    [InlineData("tod > '10:00:01'", "2,3")]
    [InlineData("ok = true", "2")]
    [InlineData("ok = 0", "1,3")]
    [InlineData("not ok", "!7")]
    [InlineData("txt = 'O''Brien; DROP TABLE t'", "1")]
    [InlineData("txt = '$1'", "2")]
    [InlineData("txt is null", "3")]
    [InlineData("not txt = '$1'", "1,3")]
    [InlineData("list is not null", "1,2,3")]
    [InlineData("list contains '[2'", "2")]
    [InlineData("`odd \" name` = 3", "3")]
    [InlineData("f = 1e400", "!5")]
    public async Task Conditions_compare_typed_values_by_their_type(string filter, string expected)
    {
        var file = new MemorySource(await DuckDbFiles.WriteAsync("""
            SELECT i AS id, 9007199254740991 + i AS big, 18446744073709551616::HUGEINT - i AS huge_unused, (18446744073709551616::HUGEINT - i)::UBIGINT AS huge,
                1234567890123456.78::DECIMAL(38, 4) + (i * 0.0001)::DECIMAL(38, 4) AS dec, i * 0.1::DOUBLE AS f, DATE '2023-12-31' + i::INTEGER AS day,
                make_timestamp_ns(1704067200000000000 + i) AS ns, TIME '10:00:00' + to_seconds(i) AS tod, i = 2 AS ok,
                CASE i WHEN 1 THEN 'O''Brien; DROP TABLE t' WHEN 2 THEN '$1' END AS txt, [i] AS list, i AS "odd "" name"
            FROM range(1, 4) t(i)
            """));
        if (expected.StartsWith('!'))
        {
            Assert.Equal(expected[1..], $"{(await Assert.ThrowsAsync<FilterException>(() => FilterAsync(file, FileFormat.Parquet, filter, 0))).Position}");
            return;
        }

        Assert.Equal(expected, await FilterAsync(file, FileFormat.Parquet, filter, 0));
    }

    [Fact]
    public async Task Numbers_are_the_same_in_every_format_however_they_are_written()
    {
        var typed = new MemorySource(await DuckDbFiles.WriteAsync(
            "SELECT * FROM (VALUES (1::BIGINT, 1.5::DOUBLE, 2.50::DECIMAL(10, 2), true), (9007199254740993, 1e-7, 3.00, false), (3, 123456789.125, 0.10, NULL)) t(id, d, x, b)"));
        var text = Tables.Source("id,d,x,b\n1,1.50,2.5,true\n9007199254740993,0.0000001,3,FALSE\n+3,123456789.125,.1,NA\n");
        var diff = await DiffAsync((typed, FileFormat.Parquet), (text, FileFormat.Csv), "id");
        Assert.Equal((0L, 0L, 0L, 3L), (diff.Added, diff.Removed, diff.Changed, diff.Unchanged));
    }

    [Fact]
    public async Task What_stands_for_no_value_is_missing_in_conditions_and_diffs_as_in_statistics()
    {
        var text = Tables.Source("id,v\n1,NA\n2,\n3,x\n4,NaN\n");
        Assert.Equal("1,2,4", await FilterAsync(text, FileFormat.Csv, "v is null", 0));
        var diff = await DiffAsync((text, FileFormat.Csv), (Tables.Source("id,v\n1,\n2,null\n3, x \n4,N/A\n"), FileFormat.Csv), "id");
        Assert.Equal((0L, 4L), (diff.Changed, diff.Unchanged));
        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", text, FileFormat.Csv, CancellationToken.None);
        Assert.Equal(3, table.Columns[1].Missing);
    }

    private static Task<RowDiff> DiffAsync((IByteSource, FileFormat) before, (IByteSource, FileFormat) now, string key)
        => RowDiffer.CompareAsync(Engines.Shared, before, now, [key], 100, CancellationToken.None);

    private static async Task<string> FilterAsync(IByteSource source, FileFormat format, string filter, int column)
        => string.Join(',', (await TablePreview.FilteredAsync(Engines.Shared, source, format, filter, 100, TimeSpan.FromMinutes(1), CancellationToken.None)).Rows.Select(row => row.Values[column]));
}
