using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

public sealed class DistinctCountTests
{

    [Theory]
    [InlineData(10)]
    [InlineData(1_000)]
    [InlineData(20_000)]
    [InlineData(200_000)]
    public async Task Distinct_values_of_every_type_are_counted_exactly(int rows)
    {
        var file = await DuckDbFiles.WriteAsync($"""
            SELECT i::BIGINT AS integers, (i * 0.5)::DOUBLE AS doubles, DATE '1970-01-01' + i::INTEGER AS dates, TIMESTAMP '2020-01-01' + to_seconds(i) AS times, 'value ' || i AS texts,
                (i * 7919 % {rows})::BIGINT AS shuffled, sin(i) AS random_doubles, md5(i::VARCHAR) AS random_texts, 9007199254740992 + i AS large, (i / 100)::DECIMAL(30, 4) AS decimals,
                (i % 7)::INTEGER AS few, CASE WHEN i % 2 = 0 THEN i END AS half, [i, NULL] AS lists, i::VARCHAR::BLOB AS bytes
            FROM range({rows}) t(i)
            """);
        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", new MemorySource(file), FileFormat.Parquet, CancellationToken.None);
        foreach (var column in table.Columns)
        {
            var expected = column.Name switch { "few" => 7, "half" => rows / 2, _ => rows };
            Assert.True(column.IsDistinctExact && column.Distinct == expected, $"{column.Name}: {column.Distinct} instead of {expected}");
        }
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task Ten_million_distinct_values_are_counted_exactly()
    {
        const int Rows = 10_000_000;
        var file = await DuckDbFiles.WriteAsync($"SELECT i::BIGINT AS integers, (i * 0.5)::DOUBLE AS doubles, (i * 7919 % {Rows})::BIGINT AS shuffled FROM range({Rows}) t(i)");
        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", new MemorySource(file), FileFormat.Parquet, CancellationToken.None);
        Assert.All(table.Columns, static column => Assert.Equal((Rows, true), (column.Distinct, column.IsDistinctExact)));
        var doubles = table.Columns[1].Numeric!;
        Assert.Equal((0d, 0.5 * (Rows - 1)), (doubles.Min, doubles.Max));
        Assert.False(doubles.IsExact);
        for (var i = 0; i < NumericProfile.Shares.Count; i++)
        {
            Assert.InRange(doubles.Quantiles[i] / doubles.Max, NumericProfile.Shares[i] - 0.01, NumericProfile.Shares[i] + 0.01);
        }

        Assert.Equal(Rows, doubles.Histogram.Sum(static bar => bar.Count));
        Assert.All(doubles.Histogram, static bar => Assert.InRange(bar.Count, (Rows / 20) - 2, (Rows / 20) + 2));
    }

    [Theory]
    [InlineData("integers")]
    [InlineData("texts")]
    [InlineData("large")]
    public async Task A_unique_column_meets_the_expectations_of_uniqueness(string column)
    {
        const int Rows = 50_000;
        var file = await DuckDbFiles.WriteAsync($"SELECT i AS integers, 'value ' || i AS texts, 9007199254740992 + i AS large FROM range({Rows}) t(i)");
        var plan = QualityPlanReader.Parse($$"""
            expectations:
              - type: expect_column_values_to_be_unique
                kwargs: {column: {{column}}}
              - type: expect_column_proportion_of_unique_values_to_be_between
                kwargs: {column: {{column}}, min_value: 1}
              - type: expect_column_unique_value_count_to_be_between
                kwargs: {column: {{column}}, min_value: {{Rows}}, max_value: {{Rows}}}
            """);

        static async IAsyncEnumerable<QualityFile> Files(byte[] content)
        {
            await Task.Yield();
            yield return new QualityFile("t.parquet", new MemorySource(content));
        }

        var part = await QualityProfiler.ProfileTablesAsync(Engines.Shared, Files(file), plan, static _ => Task.CompletedTask, CancellationToken.None);
        Assert.Equal([true, true, true], part.Expectations.Select(static result => result.Success));
    }

    [Fact]
    public async Task What_is_computed_in_memory_and_what_the_engine_computes_are_the_same()
    {
        var file = await DuckDbFiles.WriteAsync("""
            SELECT CASE WHEN i % 50 = 0 THEN NULL WHEN i % 997 = 0 THEN 1000 + i ELSE sin(i) * 10 END AS doubles, i % 1000 - 500 AS integers,
                CASE WHEN i % 3 = 0 THEN 'infinity'::DOUBLE WHEN i % 3 = 1 THEN '-infinity'::DOUBLE ELSE i END AS infinite
            FROM range(30000) t(i)
            """);
        var exact = await ProfileAsync(file, int.MaxValue);
        var engine = await ProfileAsync(file, 100);
        foreach (var (left, right) in exact.Columns.Zip(engine.Columns))
        {
            Assert.Equal((left.Count, left.Missing, left.Distinct, left.Type), (right.Count, right.Missing, right.Distinct, right.Type));
            Assert.Equal(left.Top.Select(static value => value.Count), right.Top.Select(static value => value.Count));
            var (a, b) = (left.Numeric!, right.Numeric!);
            Assert.Equal((true, false), (a.IsExact, b.IsExact));
            Assert.Equal((a.Min, a.Max, a.Zeros, a.Negatives, a.Infinite), (b.Min, b.Max, b.Zeros, b.Negatives, b.Infinite));
            Assert.Equal(a.Mean, b.Mean, 9);
            Assert.Equal(a.StandardDeviation, b.StandardDeviation, 6);
            Assert.Equal(a.Skewness, b.Skewness, 6);
            Assert.Equal(a.Kurtosis, b.Kurtosis, 5);
            Assert.Equal(a.Outliers.Largest, b.Outliers.Largest);
            Assert.Equal(a.Outliers.Smallest, b.Outliers.Smallest);
            Assert.Equal(a.Histogram.Sum(static bar => bar.Count), b.Histogram.Sum(static bar => bar.Count));
        }
    }

    private static async Task<TableProfile> ProfileAsync(byte[] file, int maxNumbers)
    {
        using var profiler = new TableProfiler("t", [], maxNumbers: maxNumbers);
        var staged = await AiPlatform.DataFiles.Staging.TableStager.StageAsync(Engines.Shared, new MemorySource(file), FileFormat.Parquet, CancellationToken.None);
        using (var session = await Engines.Shared.OpenAsync(CancellationToken.None))
        {
            profiler.Add("t", staged, await AiPlatform.DataFiles.Engine.EngineTable.OpenAsync(session, staged, CancellationToken.None));
        }

        return (await profiler.BuildAsync(Engines.Shared, static () => Task.CompletedTask, CancellationToken.None)).Profile;
    }
}
