using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

/// <summary>What texts and numbers of CSV and JSON mean: missing values, orders of dates, numbers that no double holds.</summary>
public sealed class UntypedValueTests
{
    [Theory]
    [InlineData("01/02/2024|13/02/2024|05/06/2024", "DayFirst", "2024-02-01", "2024-06-05")]
    [InlineData("01/02/2024|02/13/2024|05/06/2024", "MonthFirst", "2024-01-02", "2024-05-06")]
    [InlineData("1.2.2024|13.2.2024", "DayFirst", "2024-02-01", "2024-02-13")]
    [InlineData("01-02-2024|25-12-2024", "DayFirst", "2024-02-01", "2024-12-25")]
    public async Task The_whole_column_decides_whether_the_day_comes_first(string values, string order, string first, string last)
    {
        var column = await ProfileAsync(values.Split('|'));
        Assert.Equal((ColumnType.Date, 0L), (column.Type, column.Mismatches));
        Assert.Equal((order, 1d), (column.Dates!.Order.ToString(), column.Dates.Confidence));
        Assert.Equal((first, last), (column.Time!.First, column.Time.Last));
    }

    [Fact]
    public async Task Dates_that_nothing_tells_the_order_of_are_said_to_be_ambiguous_and_can_be_told()
    {
        string[] values = ["01/02/2024", "03/04/2024"];
        var column = await ProfileAsync(values);
        Assert.Equal((ColumnType.Date, (DateOrder?)null, 0d), (column.Type, column.Dates!.Order, column.Dates.Confidence));
        Assert.Null(column.Time);
        var told = await ProfileAsync(values, new ReadOptions(DateOrder: DateOrder.MonthFirst));
        Assert.Equal(("2024-01-02", 1d), (told.Time!.First, told.Dates!.Confidence));
    }

    [Fact]
    public async Task Dates_of_both_orders_in_a_column_are_counted_as_contradictions()
    {
        var column = await ProfileAsync([.. Enumerable.Repeat("13/02/2024", 38), "02/13/2024", "01/02/2024"]);
        Assert.Equal((DateOrder.DayFirst, 1L, 1L), (column.Dates!.Order, column.Dates.Contradictions, column.Mismatches));
        Assert.InRange(column.Dates.Confidence, 0.9, 0.99);
    }

    [Fact]
    public async Task A_preview_says_how_dates_are_read()
    {
        var rows = await TablePreview.FirstAsync(Tables.Source("d,e\n01/02/2024,x\n13/02/2024,y\n"), FileFormat.Csv, 5, CancellationToken.None);
        Assert.Equal(new DateColumn("d", DateOrder.DayFirst, 1, 0), Assert.Single(rows.Dialect!.Dates));
    }

    [Theory]
    [InlineData("v is null", 4)]
    [InlineData("not v is null", 1)]
    [InlineData("v = 'NA'", 0)]
    [InlineData("v in ('NaN', '5')", 1)]
    public async Task What_is_missing_in_statistics_is_missing_in_filters(string filter, int expected)
    {
        const string Text = "id,v\n1,NA\n2,NaN\n3,\n4, null \n5,5\n";
        var rows = await TablePreview.FilteredAsync(Engines.Shared, Tables.Source(Text), FileFormat.Csv, filter, 10, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal(expected, rows.Rows.Count);
        var profile = await TableStatistics.ComputeAsync(Engines.Shared, "t", Tables.Source(Text), FileFormat.Csv, CancellationToken.None);
        Assert.Equal(4, profile.Columns[1].Missing);
    }

    [Fact]
    public async Task A_text_of_a_typed_format_that_looks_missing_is_a_text()
    {
        var rows = await TablePreview.FilteredAsync(
            Engines.Shared, Tables.Source("{\"v\":\"NA\"}\n{\"v\":null}\n"), FileFormat.JsonLines, "v = 'NA'", 10, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Single(rows.Rows);
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("-1e999")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("0.12345678901234567890123")]
    [InlineData("1e-400")]
    public async Task A_JSON_number_that_no_double_holds_is_shown_as_it_is_written(string number)
    {
        var rows = await TablePreview.FirstAsync(Tables.Source($"{{\"v\":{number}}}\n{{\"v\":2}}\n"), FileFormat.JsonLines, 5, CancellationToken.None);
        Assert.Equal([number, "2"], rows.Rows.Select(static row => row.Values[0]));
        Assert.Empty(rows.Issues);
    }

    [Fact]
    public async Task A_JSON_number_that_no_double_holds_far_behind_the_first_lines_is_reported_and_not_silently_null()
    {
        var text = string.Concat(Enumerable.Repeat("{\"v\":1.5}\n", 1500)) + "{\"v\":1e400}\n";
        var (_, rows, issues) = await Tables.ReadAsync(Tables.Source(text), FileFormat.JsonLines);
        Assert.Null(rows[1500][0]);
        Assert.Equal(1501, Assert.Single(issues.First).Line);
    }

    [Fact]
    public async Task Half_of_a_surrogate_pair_in_JSON_costs_its_value_and_is_reported()
    {
        var (_, rows, issues) = await Tables.ReadAsync(Tables.Source("{\"a\":\"x\",\"b\":1}\n{\"a\":\"\\ud800\",\"b\":2}\n{\"\\udc00\":1,\"b\":3}\n"), FileFormat.JsonLines);
        Assert.Equal([1L, 2L, 3L], rows.Select(static row => row[1]));
        Assert.Null(rows[1][0]);
        Assert.Equal([2L, 3L], issues.First.Select(static issue => issue.Line!.Value));
    }

    [Fact]
    public async Task A_name_with_NUL_costs_a_property_of_JSON_and_no_column_of_a_CSV_file()
    {
        var (columns, rows, issues) = await Tables.ReadAsync(Tables.Source("{\"a\\u0000\":\"x\",\"b\":1}\n{\"b\":2}\n"), FileFormat.JsonLines);
        Assert.Equal(["b"], columns);
        Assert.Equal([1L, 2L], rows.Select(static row => row[0]));
        Assert.Equal(1, Assert.Single(issues.First).Line);
        Assert.Equal(["a\uFFFD", "b", "a\uFFFD_2"], CsvDialect.Names(["a\0", "b", "a\uFFFD"]));
    }

    private static async Task<ColumnProfile> ProfileAsync(IReadOnlyList<string> values, ReadOptions? options = null)
    {
        var text = "day,n\n" + string.Concat(values.Select(static (value, i) => $"{value},{i}\n"));
        var profile = await TableStatistics.ComputeAsync(Engines.Shared, "t", Tables.Source(text), new TableFormat(FileFormat.Csv, options), CancellationToken.None);
        return profile.Columns[0];
    }
}
