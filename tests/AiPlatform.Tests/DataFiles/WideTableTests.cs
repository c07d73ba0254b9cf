using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Tables with hundreds or thousands of columns: columns of few rows are profiled together, and there is a limit.</summary>
public sealed class WideTableTests
{
    private const string Types = """
        SELECT
            (CASE WHEN i % 7 = 0 THEN NULL ELSE i END)::INTEGER AS a, (i % 5)::BIGINT AS b, (i * 1.5)::DOUBLE AS c, (CASE i WHEN 3 THEN 'NaN' WHEN 4 THEN 'inf' ELSE '2.5' END)::DOUBLE AS d,
            (i % 3)::TINYINT AS e, (9223372036854775807::HUGEINT + i)::DECIMAL(38, 0) AS f, (i::UBIGINT + 9223372036854775808)::UBIGINT AS g, (i * 1.25)::DECIMAL(20, 2) AS h, i % 2 = 0 AS j,
            DATE '2024-01-01' + (i % 40)::INTEGER AS k, TIMESTAMP '2024-01-01 10:00:00' + INTERVAL (i) MINUTE AS l, (TIMESTAMP '1969-01-01 00:00:01' + INTERVAL (i) SECOND)::TIMESTAMP_NS AS m,
            TIME '10:00:00' + INTERVAL (i) SECOND AS n, ('word ' || (i % 4)) AS o, ('mail' || i || '@example.org') AS p, [i % 3, i % 2] AS q, {'x': i % 2} AS r, ('b' || i % 6)::BLOB AS s,
            to_months((i % 3)::INTEGER) AS t, NULL::VARCHAR AS u, NULL::INTEGER AS v, (CASE WHEN i = 50 THEN 1e9 WHEN i = 51 THEN -1e9 ELSE i % 10 END)::DOUBLE AS w,
            (CASE WHEN i IN (50, 60) THEN 30000 ELSE 100 + i % 10 END)::SMALLINT AS x, ' ' AS y, (CASE WHEN i = 70 THEN 99999 ELSE i % 4 END)::DECIMAL(10, 1) AS z
        FROM range(300) AS t(i)
        """;

    private static readonly JsonSerializerOptions Options = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    [Fact]
    public async Task Columns_profiled_together_are_as_columns_profiled_alone()
    {
        await CompareAsync(new MemorySource(await DuckDbFiles.WriteAsync(Types)), FileFormat.Parquet, 300);
    }

    [Fact]
    public async Task Untyped_columns_profiled_together_are_as_columns_profiled_alone()
    {
        var text = new StringBuilder("id,amount,city,when,day,mixed,long,blank,card\n");
        for (var row = 0; row < 400; row++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{row},{(row == 200 ? "1e7" : row % 9 == 0 ? "NA" : $"{row % 20}.5")},{(row % 4 == 0 ? "" : "Köln")},2024-01-{(row % 28) + 1:00}T10:00:00Z,{(row % 28) + 1}/02/2024,{(row % 50 == 0 ? "x" : row)},这是一些文字 {row},,4111111111111111\n");
        }

        await CompareAsync(Tables.Source(text.ToString()), FileFormat.Csv, 50);
    }

    [Fact]
    public async Task Hundreds_of_columns_of_few_rows_are_a_matter_of_seconds()
    {
        var text = new StringBuilder();
        text.AppendJoin(',', Enumerable.Range(0, 400).Select(static column => $"column {column}")).Append('\n');
        for (var row = 0; row < 50; row++)
        {
            text.AppendJoin(',', Enumerable.Range(0, 400).Select(column => column % 2 == 0 ? $"{row * column}" : $"text {row}")).Append('\n');
        }

        var clock = Process.GetCurrentProcess().TotalProcessorTime;
        var profile = await TableStatistics.ComputeAsync(Engines.Shared, "wide", Tables.Source(text.ToString()), FileFormat.Csv, CancellationToken.None);
        var used = Process.GetCurrentProcess().TotalProcessorTime - clock;
        Assert.Equal((400, 50L), (profile.Columns.Count, profile.Rows));
        Assert.All(profile.Columns.Where(static (_, index) => index % 2 == 0 && index > 0), static column => Assert.Equal((ColumnType.Integer, 50L), (column.Type, column.Distinct)));
        // One by one it took ten seconds of a processor; other tests run in this process too.
        Assert.InRange(used, TimeSpan.Zero, TimeSpan.FromSeconds(6));
    }

    [Theory]
    [InlineData(FileFormat.Csv)]
    [InlineData(FileFormat.Tsv)]
    [InlineData(FileFormat.JsonLines)]
    [InlineData(FileFormat.Parquet)]
    public async Task More_columns_than_are_read_are_refused_by_their_own_code(FileFormat format)
    {
        const int Columns = 10_001;
        var names = Enumerable.Range(0, Columns).Select(static column => $"c{column}").ToList();
        IByteSource source = format switch
        {
            // A row of its own for every thirty properties.
            FileFormat.JsonLines => Tables.Source(string.Join('\n', names.Chunk(30).Select(static chunk => "{" + string.Join(',', chunk.Select(static name => $"\"{name}\":1")) + "}"))),
            FileFormat.Parquet => new MemorySource(await DuckDbFiles.WriteAsync($"SELECT {string.Join(", ", names.Select(static name => $"1 AS {name}"))}")),
            _ => Tables.Source($"{string.Join(format == FileFormat.Csv ? ',' : '\t', names)}\n"),
        };
        var refused = await Assert.ThrowsAsync<DataFormatException>(() => TableStatistics.ComputeAsync(Engines.Shared, "wide", source, format, CancellationToken.None));
        Assert.Equal(DataErrors.TooManyColumns, refused.Code);
    }

    [Fact]
    public async Task Thousands_of_properties_in_lines_of_their_own_are_columns()
    {
        var lines = string.Join('\n', Enumerable.Range(0, 100).Select(static row => "{" + string.Join(',', Enumerable.Range(row * 20, 20).Select(static name => $"\"k{name}\":{name}")) + "}"));
        var profile = await TableStatistics.ComputeAsync(Engines.Shared, "sparse", Tables.Source(lines), FileFormat.JsonLines, CancellationToken.None);
        Assert.Equal((2000, 100L), (profile.Columns.Count, profile.Rows));
        Assert.All(profile.Columns, static column => Assert.Equal((99L, 1L, ColumnType.Integer), (column.Missing, column.Distinct, column.Type)));
    }

    private static async Task CompareAsync(IByteSource source, FileFormat format, int sample)
    {
        using var staged = await TableStager.StageAsync(Engines.Shared, source, format, CancellationToken.None);
        using var session = await Engines.Shared.OpenAsync(CancellationToken.None);
        var table = await EngineTable.OpenAsync(session, staged, CancellationToken.None);
        IReadOnlyList<long> drawn = [.. Enumerable.Range(0, sample).Select(row => row * table.Rows / sample)];
        var together = await new BatchProfiler(session, table, drawn, null).ProfileAsync(table.Columns, CancellationToken.None);
        var alone = new ColumnProfiler(session, table, drawn, null, 1_000_000);
        foreach (var column in table.Columns)
        {
            var expected = await alone.ProfileAsync(column, CancellationToken.None);
            Assert.Equal(Json(expected), Json(together[column.Index]));
        }
    }

    private static string Json(ColumnFacts facts) => JsonSerializer.Serialize(new { facts.Profile, facts.Sample, facts.Categories }, Options);
}
