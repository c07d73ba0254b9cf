using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

public sealed class LineFormatTests
{
    [Fact]
    public async Task Json_lines_give_typed_columns_and_report_what_differs()
    {
        const string Text = """
            {"id":1,"name":"a","score":0.5,"ok":true,"tags":["x"]}
            {"id":2,"name":null,"score":2,"ok":false,"tags":[]}

            not json
            [1]
            {"id":"three","name":"c"}
            {"id":4,"more":1}
            """;
        var (columns, rows, issues) = await Tables.ReadAsync(Tables.Source(Text), FileFormat.JsonLines);
        Assert.Equal(["id", "name", "score", "ok", "tags", "more"], columns);
        Assert.Equal(4, rows.Count);
        Assert.Equal(["1", "a", 0.5, true, "[\"x\"]", null], rows[0]);
        Assert.Equal([4L, 5L], issues.First.Select(static issue => issue.Line!.Value));
        Assert.All(issues.First, static issue => Assert.Equal(DataErrors.JsonLine, issue.Code));
    }

    [Fact]
    public async Task A_later_line_of_another_type_is_reported_and_left_out()
    {
        var text = string.Concat(Enumerable.Range(0, 1200).Select(static i => $"{{\"id\":{i}}}\n")) + "{\"id\":\"x\"}\n{\"id\":7,\"other\":1}\n";
        var (_, rows, issues) = await Tables.ReadAsync(Tables.Source(text), FileFormat.JsonLines);
        Assert.Equal(1202, rows.Count);
        Assert.Equal((null, 7L), (rows[1200][0], (long)rows[1201][0]!));
        Assert.Equal([(DataErrors.JsonLine, 1201L), (DataErrors.CsvColumns, 1202L)], issues.First.Select(static issue => (issue.Code, issue.Line!.Value)));
    }

    [Theory]
    [InlineData("nothing\nof json\n", DataErrors.JsonLine)]
    [InlineData("", DataErrors.Empty)]
    [InlineData("\n\n", DataErrors.Empty)]
    public async Task A_file_without_objects_is_refused(string text, string code)
        => Assert.Equal(code, (await Assert.ThrowsAsync<DataFormatException>(() => Tables.ReadAsync(Tables.Source(text), FileFormat.JsonLines))).Code);

    [Fact]
    public async Task Text_has_a_row_for_each_line_that_is_not_empty()
    {
        var (columns, rows, _) = await Tables.ReadAsync(Tables.Source("one\r\n\r\ntwo\n   \nthree"), FileFormat.Text);
        Assert.Equal(["text"], columns);
        Assert.Equal(["one", "two", "three"], rows.Select(static row => row[0]));
    }

    [Fact]
    public async Task A_line_longer_than_any_is_refused()
        => Assert.Equal(
            DataErrors.RecordTooLong,
            (await Assert.ThrowsAsync<DataFormatException>(() => Tables.ReadAsync(Tables.Source(new string('x', 3_000_000)), FileFormat.Text))).Code);

    [Theory]
    [InlineData("a/b.CSV", FileFormat.Csv)]
    [InlineData("x.ndjson", FileFormat.JsonLines)]
    [InlineData("x.parquet", FileFormat.Parquet)]
    [InlineData("x.JPEG", FileFormat.Image)]
    [InlineData("README", FileFormat.Other)]
    [InlineData("x.bin", FileFormat.Other)]
    public void The_name_says_the_format(string path, FileFormat format) => Assert.Equal(format, FileFormats.Of(path));
}
