using System.Text;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using CsCheck;

namespace AiPlatform.Tests.DataFiles;

public sealed class CsvReaderTests
{
    static CsvReaderTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    [Theory]
    [InlineData("a,b\n1,2\n3,4\n", "a|b", "1|2", "3|4")]
    [InlineData("a;b\r\n1;2\r\n3;4", "a|b", "1|2", "3|4")]
    [InlineData("a\tb\r1\t2\r3\t4\r", "a|b", "1|2", "3|4")]
    [InlineData("a|b\n\n1|2\n\n\n3|4\n", "a|b", "1|2", "3|4")]
    [InlineData("1,2\n3,4\n", "column1|column2", "1|2", "3|4")]
    [InlineData("name,name,\nx,y,z\nu,v,w\n", "name|name_2|column3", "x|y|z", "u|v|w")]
    [InlineData("\"a\",\"b\"\n\"1,\"\"x\"\"\",\"two\nlines\"\n3,\n", "a|b", "1,\"x\"|two\nlines", "3|")]
    public async Task Delimiter_header_and_quotes_are_understood(string text, string columns, params string[] rows)
    {
        var (names, read, issues) = await Tables.CsvAsync(text);
        Assert.Equal(columns, string.Join('|', names));
        Assert.Equal(rows, read.Select(static row => string.Join('|', row)));
        Assert.Equal(0, issues.Count);
    }

    [Theory]
    [InlineData("utf-8", false, "utf-8")]
    [InlineData("utf-8", true, "utf-8-bom")]
    [InlineData("utf-16", true, "utf-16le")]
    [InlineData("utf-16", false, "utf-16le")]
    [InlineData("utf-16BE", true, "utf-16be")]
    [InlineData("gb18030", false, "gb18030")]
    [InlineData("iso-8859-1", false, "latin1")]
    public async Task Encodings_are_found_out(string encoding, bool mark, string found)
    {
        var word = found == "latin1" ? "Käse und Brötchen" : "北京市朝阳区数据";
        var text = string.Concat(Enumerable.Range(0, 500).Select(i => $"{i},{word},plain\n"));
        var codec = Encoding.GetEncoding(encoding);
        byte[] bytes = [.. mark ? codec.GetPreamble() : [], .. codec.GetBytes("id,city,note\n" + text)];
        using var reader = await CsvReader.OpenAsync(new MemorySource(bytes), null, ReadOptions.Detect, CancellationToken.None);
        Assert.Equal(found, reader.Encoding.Name);
        var (_, rows, issues) = await Tables.ReadAsync(new MemorySource(bytes), FileFormat.Csv);
        Assert.Equal(500, rows.Count);
        Assert.All(rows, row => Assert.Equal(word, row[1]));
        Assert.Equal(0, issues.Count);
    }

    [Fact]
    public async Task Bytes_of_another_encoding_are_reported_with_their_lines()
    {
        var gbk = Encoding.GetEncoding("gb18030");
        byte[] bytes = [.. "id,city\n"u8, .. Encoding.UTF8.GetBytes("1,上海\n2,北京\n"), .. gbk.GetBytes("3,广州\n"), .. "4,ok\n"u8];
        var (_, rows, issues) = await Tables.ReadAsync(new MemorySource(bytes), FileFormat.Csv);
        Assert.Equal(4, rows.Count);
        var issue = Assert.Single(issues.First);
        Assert.Equal((DataErrors.EncodingMixed, 4L), (issue.Code, issue.Line));
    }

    [Theory]
    [InlineData("a,b\n1,x\"y\n2,z\n", 2, 2)]
    [InlineData("a,b\n1,2\n3,\"x\"y\n4,5\n", 3, 3)]
    [InlineData("a,b\n1,\"never ends\n2,3\n4,5\n", 2, 2)]
    public async Task Broken_quoting_is_reported_with_its_line_and_reading_goes_on(string text, long line, int rows)
    {
        var (_, read, issues) = await Tables.CsvAsync(text);
        var issue = Assert.Single(issues.First);
        Assert.Equal((DataErrors.CsvQuote, line), (issue.Code, issue.Line));
        Assert.Equal(rows, read.Count);
    }

    [Fact]
    public async Task A_quote_that_never_ends_in_a_long_file_costs_one_line()
    {
        var text = new StringBuilder("a,b\n1,\"open\n");
        for (var i = 0; i < 200_000; i++)
        {
            text.Append(i).Append(",value\n");
        }

        var (_, rows, issues) = await Tables.CsvAsync(text.ToString());
        Assert.Equal(200_000, rows.Count);
        Assert.Equal((DataErrors.CsvQuote, 2L), (Assert.Single(issues.First).Code, issues.First[0].Line));
    }

    [Fact]
    public async Task Records_with_other_numbers_of_fields_are_reported_and_padded()
    {
        var (_, rows, issues) = await Tables.CsvAsync("a,b,c\n1,2\n1,2,3,4\n1,2,3\n");
        Assert.Equal([null, "3", "3"], rows.Select(static row => row[2]));
        Assert.Equal([2L, 3L], issues.First.Select(static issue => issue.Line!.Value));
        Assert.All(issues.First, static issue => Assert.Equal(DataErrors.CsvColumns, issue.Code));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n\n")]
    public async Task A_file_without_records_is_refused(string text)
        => Assert.Equal(DataErrors.Empty, (await Assert.ThrowsAsync<DataFormatException>(() => Tables.CsvAsync(text))).Code);

    [Fact]
    public async Task A_record_longer_than_any_is_refused_with_its_line()
    {
        var exception = await Assert.ThrowsAsync<DataFormatException>(() => Tables.CsvAsync($"a,b\n1,2\n{new string('x', 3_000_000)},1\n"));
        Assert.Equal((DataErrors.RecordTooLong, 3L), (exception.Code, exception.Line));
    }

    [Fact]
    public void Whatever_is_written_by_the_rules_is_read_back()
    {
        var cell = Gen.String[Gen.OneOf(Gen.Char['a', 'z'], Tables.Pick(',', '"', '\n', '\r', ' ', '中', ';')), 1, 12];
        Gen.Int[2, 6].SelectMany(columns => Gen.Select(Gen.Const(columns), cell.Array[columns].Array[1, 60])).Sample(table =>
        {
            var (columns, rows) = table;
            var text = new StringBuilder().AppendJoin(',', Enumerable.Range(0, columns).Select(static i => $"name{i}")).Append('\n');
            foreach (var row in rows)
            {
                text.AppendJoin(',', row.Select(static value => $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"")).Append('\n');
            }

            var (_, read, issues) = Tables.ReadAsync(Tables.Source(text.ToString()), FileFormat.Csv).GetAwaiter().GetResult();
            return issues.Count == 0 && read.Count == rows.Length && read.Zip(rows).All(static pair => pair.First.SequenceEqual(pair.Second));
        }, iter: 300);
    }

    [Fact]
    public async Task A_long_file_is_read_in_chunks_with_every_row_once()
    {
        var text = new StringBuilder("id,text\n");
        for (var i = 0; i < 60_000; i++)
        {
            text.Append(i).Append(",\"some \"\"quoted\"\" text, number ").Append(i).Append("\"\n");
        }

        var (_, rows, issues) = await Tables.CsvAsync(text.ToString());
        Assert.Equal(0, issues.Count);
        Assert.Equal(60_000, rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            Assert.Equal(($"{i}", $"some \"quoted\" text, number {i}"), ((string)rows[i][0]!, (string)rows[i][1]!));
        }
    }
}
