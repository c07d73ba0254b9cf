using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>Preview and engine read the same values from files of parquet-wasm (Rust) and hyparquet-writer (JavaScript): types, encodings, codecs, page versions, nesting.</summary>
public sealed class OtherWritersTests(OtherWritersFiles files) : IClassFixture<OtherWritersFiles>, IDisposable
{
    private const int Rows = 3000;

    private readonly DataEngine _engine = new(new DataEngineOptions { Folder = Path.Combine(Path.GetTempPath(), "aip-tests-data") }, TimeProvider.System);

    public static TheoryData<string> Names()
    {
        var names = new TheoryData<string>();
        foreach (var codec in (string[])["uncompressed", "snappy", "gzip"])
        {
            names.Add($"hyparquet-{codec}");
        }

        foreach (var codec in (string[])["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4_raw"])
        {
            names.Add($"wasm-{codec}-v1");
            names.Add($"wasm-{codec}-v2");
        }

        return names;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_value_is_read_the_same_way_twice(string name)
    {
        var file = await ReadAsync(name);
        var preview = await TablePreview.FirstAsync(file, FileFormat.Parquet, Rows, CancellationToken.None);
        Assert.Empty(preview.Issues);
        var first = preview.Columns[0].Name;
        var engine = await TablePreview.FilteredAsync(_engine, file, FileFormat.Parquet, $"{first} is null or {first} is not null", Rows + 1, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Empty(engine.Issues);
        Assert.Equal((Rows, Rows), (preview.Rows.Count, engine.Rows.Count));
        var different = preview.Rows.Zip(engine.Rows).SelectMany(pair => preview.Columns.Select((column, at) => (column.Name, pair.First.Number, Seen: pair.First.Values[at], Found: pair.Second.Values[at])))
            .Where(static cell => !Equals(cell.Seen, cell.Found)).GroupBy(static cell => cell.Name).Select(static group => $"{group.Key}: {group.Count()}, such as {group.First()}");
        Assert.Equal(string.Empty, string.Join('\n', different));
        Assert.All(preview.Columns.Select((_, at) => preview.Rows.Select(row => row.Values[at]).Where(static value => value is not null).Distinct().Count()), static distinct => Assert.InRange(distinct, 2, Rows));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_column_of_variants_costs_at_most_itself(bool isBroken)
    {
        var bytes = await File.ReadAllBytesAsync(Path.Combine(files.Folder, "hyparquet-variant.parquet"));
        if (isBroken)
        {
            // The length before a text.
            var at = bytes.AsSpan().IndexOf("text 1496"u8);
            Assert.InRange(at, 1, bytes.Length);
            bytes[at - 1] = 0xFD;
        }

        var file = new MemorySource(bytes);
        var preview = await TablePreview.FirstAsync(file, FileFormat.Parquet, Rows, CancellationToken.None);
        Assert.Equal((Rows, 7L, "o7"), (preview.Rows.Count, Convert.ToInt64(preview.Rows[7].Values[0], null), preview.Rows[7].Values[2]));
        Assert.All(preview.Issues, static issue => Assert.Equal((DataErrors.ColumnUnreadable, "The column “any” cannot be read."), (issue.Code, issue.Message)));
        var table = await TableStatistics.ComputeAsync(_engine, "t", file, FileFormat.Parquet, CancellationToken.None);
        Assert.Equal(["id", "any", "other"], table.Columns.Select(static column => column.Name));
        Assert.Equal((Rows, Rows), (table.Columns[0].Distinct, table.Columns[2].Distinct));
        Assert.All(table.Issues, static issue => Assert.Equal((DataErrors.ColumnUnreadable, "The column “any” cannot be read."), (issue.Code, issue.Message)));
        var found = await TablePreview.FilteredAsync(_engine, file, FileFormat.Parquet, "id > 10", 5, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal(["o11", "o12", "o13", "o14", "o15"], found.Rows.Select(static row => row.Values[2]));
        if (!isBroken)
        {
            Assert.Empty(table.Issues);
            Assert.Contains("13", $"{found.Rows[2].Values[1]}", StringComparison.Ordinal);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _engine.Dispose();

    private async Task<MemorySource> ReadAsync(string name) => new(await File.ReadAllBytesAsync(Path.Combine(files.Folder, name + ".parquet")));
}
