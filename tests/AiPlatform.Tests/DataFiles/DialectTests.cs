using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Delimiters, quotes and headers are found out, with a confidence, and can be told instead.</summary>
public sealed class DialectTests
{
    [Theory]
    [InlineData(",x,y\n0,0,0\n1,2,3\n2,4,6\n", "column1|x|y", 3)]
    [InlineData(",0,1,2\n0,0.5,0.2,0.1\n1,0.3,0.9,0.4\n", "column1|0|1|2", 2)]
    [InlineData("region,2019,2020,2021\nNorth,10,12,9\nSouth,7,8,8\n", "region|2019|2020|2021", 2)]
    [InlineData("2019,2020,2021\n1.5,2.5,3.5\n4,5,6.5\n", "2019|2020|2021", 2)]
    [InlineData("id,name,name\n1,Ann,Lee\n2,Bob,Ray\n", "id|name|name_2", 2)]
    [InlineData("a,a_2,a\n1,2,3\n4,5,6\n", "a|a_2|a_3", 2)]
    [InlineData("name,,note\nAnn,7,x\nBob,8,y\n", "name|column2|note", 2)]
    [InlineData("column2,\n1,2\n3,4\n", "column2|column2_2", 2)]
    [InlineData("name,city\nAnn,Paris\nBob,London\n", "name|city", 2)]
    [InlineData("when,ok\n2024-01-01,true\n2024-01-02,false\n", "when|ok", 2)]
    [InlineData("share,amount\n12%,\"$1,200\"\n7%,$15\n", "share|amount", 2)]
    [InlineData("1,2,3\n4,5,6\n7,8,10\n", "column1|column2|column3", 3)]
    [InlineData("1,2,3\n2,3,4\n", "column1|column2|column3", 2)]
    [InlineData("5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n", "column1|column2|column3", 3)]
    [InlineData("2024-01-01,3\n2024-01-02,4\n", "column1|column2", 2)]
    [InlineData("ann,x\nbob,y\nann,x\n", "column1|column2", 3)]
    [InlineData("A001,A002\nA003,A004\nA005,A006\nA007,A008\n", "column1|column2", 4)]
    public async Task Whether_the_first_record_names_the_columns(string text, string columns, int rows)
    {
        var (names, read, _) = await Tables.CsvAsync(text);
        Assert.Equal(columns, string.Join('|', names));
        Assert.Equal(rows, read.Count);
    }

    [Fact]
    public async Task The_index_that_pandas_writes_without_a_name_does_not_hide_the_header()
    {
        var text = ",x,y\n" + string.Concat(Enumerable.Range(0, 20).Select(static i => $"{i},{2 * i},{3 * i}\n"));
        var (names, rows, _) = await Tables.CsvAsync(text);
        Assert.Equal(["column1", "x", "y"], names);
        Assert.Equal(["19", "38", "57"], rows[19]);
        var dialect = await DialectAsync(text);
        Assert.True(dialect is { HasHeader: true, HeaderConfidence: > 0.9 }, dialect.ToString());
    }

    [Theory]
    [InlineData("sep=;\r\na;b\r\n1;2\r\n", ";", 1)]
    [InlineData("\"sep=\t\"\na\tb\n1\t2\n", "\t", 1)]
    [InlineData("SEP=^\na^b\n1^2\n", "^", 1)]
    [InlineData("a;b\n1,5;2,5\n", ";", 0)]
    public async Task A_line_that_announces_the_delimiter_is_no_record(string text, string delimiter, int skipped)
    {
        var (names, rows, issues) = await Tables.CsvAsync(text);
        Assert.Equal(["a", "b"], names);
        Assert.Single(rows);
        Assert.Equal(0, issues.Count);
        var dialect = await DialectAsync(text);
        Assert.Equal((delimiter, skipped), (dialect.Delimiter, dialect.SkippedLines));
    }

    [Fact]
    public async Task Lines_are_counted_from_the_beginning_of_the_file_where_some_are_skipped()
    {
        var (_, _, issues) = await Tables.CsvAsync("sep=;\na;b\n1;2;3\n");
        Assert.Equal(3, Assert.Single(issues.First).Line);
    }

    [Fact]
    public async Task Apostrophes_are_quotes_where_the_file_uses_them_so_and_text_elsewhere()
    {
        var (_, quoted, _) = await Tables.CsvAsync("a,b\n'1,5','it''s'\n'2','x'\n");
        Assert.Equal(["1,5", "it's"], quoted[0]);
        var (_, plain, _) = await Tables.CsvAsync("a,b\nit's,don't\nx,'tis\n");
        Assert.Equal(["it's", "don't"], plain[0]);
    }

    [Fact]
    public async Task What_is_told_is_not_found_out()
    {
        const string Text = "made by hand\nof two lines\n1;2,5\n3;4,5\n";
        var options = new ReadOptions(Delimiter: ';', HasHeader: true, SkippedLines: 2);
        using var reader = await TableFile.OpenAsync(Tables.Source(Text), new TableFormat(FileFormat.Csv, options), CancellationToken.None);
        Assert.Equal(["1", "2,5"], reader.Columns.Select(static column => column.Name));
        Assert.Equal((";", 1d, true, 1d, 2), (reader.Dialect!.Delimiter, reader.Dialect.DelimiterConfidence, reader.Dialect.HasHeader, reader.Dialect.HeaderConfidence, reader.Dialect.SkippedLines));
        var chunk = (await reader.NextAsync(CancellationToken.None))!;
        Assert.Equal("4,5", (await chunk.ReadAsync(1, CancellationToken.None)).Value(0));
    }

    [Fact]
    public async Task A_guess_without_evidence_says_so()
    {
        var names = await DialectAsync("name,city\nAnn,Paris\nBob,London\n");
        Assert.True(names is { HasHeader: true, HeaderConfidence: <= 0.6, DelimiterConfidence: 1 }, names.ToString());
        var ragged = await DialectAsync("a,b\n1,2\n1\n1,2,3\n");
        Assert.Equal(0.5, ragged.DelimiterConfidence);
    }

    private static async Task<TableDialect> DialectAsync(string text)
    {
        using var reader = await TableFile.OpenAsync(Tables.Source(text), FileFormat.Csv, CancellationToken.None);
        return reader.Dialect!;
    }
}
