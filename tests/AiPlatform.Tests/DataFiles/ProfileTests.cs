using System.Globalization;
using System.Text;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Statistics;
using AiPlatform.DataFiles.Tables;
using Xunit.Abstractions;

namespace AiPlatform.Tests.DataFiles;

public sealed class ProfileTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Types_are_inferred_from_text()
    {
        var text = new StringBuilder("i,n,b,d,t,c,x,z,empty,zip\n");
        for (var row = 0; row < 100; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row},{row * 0.5},{(row % 2 == 0 ? "yes" : "no")},2024-01-{(row % 28) + 1:00},2024-01-01T10:{row % 60:00}:00Z,{"red green blue".Split(' ')[row % 3]},unique text number {row},7,,0{row:0000}\n");
        }

        var table = await ProfileAsync(text.ToString());
        Assert.Equal(
            [ColumnType.Integer, ColumnType.Number, ColumnType.Boolean, ColumnType.Date, ColumnType.Timestamp, ColumnType.Category, ColumnType.Text, ColumnType.Integer, ColumnType.Unknown, ColumnType.Text],
            table.Columns.Select(static column => column.Type));
        Assert.Equal((100L, 0L, 100L, true), (table.Columns[0].Count, table.Columns[0].Missing, table.Columns[0].Distinct, table.Columns[0].IsDistinctExact));
        Assert.True(table.Columns[7].IsConstant);
        Assert.Equal(100, table.Columns[8].Missing);
        Assert.Equal(new ValueCount("red", 34), table.Columns[5].Top[0]);
        Assert.Equal(("2024-01-01", "2024-01-28"), (table.Columns[3].Time!.First, table.Columns[3].Time!.Last));
        Assert.Equal((0d, 99d, 49.5d), (table.Columns[0].Numeric!.Min, table.Columns[0].Numeric!.Max, table.Columns[0].Numeric!.Mean));
    }

    [Fact]
    public async Task Missing_values_mismatches_and_duplicates_are_counted()
    {
        var text = new StringBuilder("id,amount,city\n");
        for (var row = 0; row < 200; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row},{(row % 10 == 0 ? "NA" : row == 55 ? "unknown" : $"{row}.5")},{(row % 4 == 0 ? "" : "Berlin")}\n");
        }

        text.Append("0,NA,\n1,1.5,Berlin\n1,1.5,Berlin\n");
        var table = await ProfileAsync(text.ToString());
        Assert.Equal((203L, 3L, true), (table.Rows, table.Duplicates, table.AreDuplicatesExact));
        Assert.Equal([0L, 21L, 51L], table.Columns.Select(static column => column.Missing));
        Assert.Equal((ColumnType.Number, 1L), (table.Columns[1].Type, table.Columns[1].Mismatches));
    }

    [Fact]
    public async Task Outliers_are_found_among_labelled_values()
    {
        var random = new Random(17);
        var score = new DetectorScore("outliers (IQR or robust z)");
        for (var round = 0; round < 20; round++)
        {
            var values = Enumerable.Range(0, 2000).Select(_ => (Value: 50 + (10 * Normal(random)), IsOutlier: false))
                .Concat(Enumerable.Range(0, 20).Select(_ => (Value: 50 + ((random.Next(2) == 0 ? -1 : 1) * (60 + (40 * random.NextDouble()))), IsOutlier: true))).ToArray();
            random.Shuffle(values);
            var table = await ProfileAsync("value\n" + string.Join('\n', values.Select(static pair => pair.Value.ToString(CultureInfo.InvariantCulture))) + "\n");
            var outliers = table.Columns[0].Numeric!.Outliers;
            foreach (var (value, isOutlier) in values)
            {
                score.Add(isOutlier, value < outliers.RobustLow || value > outliers.RobustHigh);
            }

            Assert.Equal(values.LongCount(pair => pair.Value < outliers.IqrLow || pair.Value > outliers.IqrHigh), outliers.IqrCount);
            Assert.All(outliers.Largest, found => Assert.Equal(found.Value, values[found.Row - 1].Value));
        }

        score.Require(output, 0.9, 1);
    }

    [Fact]
    public async Task Outliers_and_quantiles_of_a_long_column_are_exact()
    {
        var random = new Random(23);
        var values = Enumerable.Range(0, 100_000).Select(i => i % 500 == 0 ? 1000 + random.NextDouble() : Normal(random)).ToArray();
        var table = await ProfileAsync("value\n" + string.Join('\n', values.Select(static value => value.ToString(CultureInfo.InvariantCulture))) + "\n");
        var numeric = table.Columns[0].Numeric!;
        Assert.True(numeric.IsExact);
        var sorted = values.Order().ToArray();
        for (var i = 0; i < NumericProfile.Shares.Count; i++)
        {
            Assert.Equal(Quantiles.Of(sorted, NumericProfile.Shares[i]), numeric.Quantiles[i], 12);
        }

        var exact = values.Count(value => value < numeric.Outliers.IqrLow || value > numeric.Outliers.IqrHigh);
        Assert.Equal(exact, numeric.Outliers.IqrCount);
        Assert.Equal(100_000, numeric.Histogram.Sum(static bar => bar.Count));
    }

    [Fact]
    public async Task Correlations_are_found_between_numbers_and_between_categories()
    {
        var random = new Random(4);
        var text = new StringBuilder("x,y,z,a,b\n");
        for (var row = 0; row < 3000; row++)
        {
            var (x, colour) = (random.NextDouble(), random.Next(3));
            text.Append(CultureInfo.InvariantCulture, $"{x},{(2 * x) + (0.01 * random.NextDouble())},{random.NextDouble()},{"red green blue".Split(' ')[colour]},{"warm cold cool".Split(' ')[colour]}\n");
        }

        var correlations = (await ProfileAsync(text.ToString())).Correlations;
        Assert.Contains(correlations, static pair => pair is { Left: "x", Right: "y", Method: "pearson", Value: > 0.99 });
        Assert.Contains(correlations, static pair => pair is { Left: "x", Right: "y", Method: "spearman", Value: > 0.99 });
        Assert.Contains(correlations, static pair => pair is { Left: "a", Right: "b", Method: "cramersV", Value: > 0.99 });
        Assert.All(correlations.Where(static pair => pair.Right == "z"), static pair => Assert.InRange(Math.Abs(pair.Value), 0, 0.1));
    }

    [Fact]
    public async Task Text_languages_and_personal_data_are_described_without_showing_it()
    {
        var text = new StringBuilder("note,mail\n");
        for (var row = 0; row < 300; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(row % 3 == 0 ? $"今天的天气很好，编号{row}" : $"this is the note number {row} of my diary")},user{row}@example.com\n");
        }

        var table = await ProfileAsync(text.ToString());
        Assert.Equal(["en", "zh"], table.Columns[0].Text!.Languages.Select(static language => language.Value));
        var pii = Assert.Single(table.Columns[1].Pii);
        Assert.Equal((AiPlatform.DataFiles.Pii.PiiKind.Email, 300L), (pii.Kind, pii.Rows));
        Assert.DoesNotContain(table.Columns[1].Top, static value => value.Value.Contains("@example", StringComparison.Ordinal));
        Assert.All(pii.Examples, static example => Assert.Contains("***", example, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_data_as_csv_and_parquet_have_the_same_profile()
    {
        var parquet = await ParquetFiles.CreateAsync(3000, 1000);
        var text = new StringBuilder("amount,name,code\n");
        for (var row = 0; row < 3000; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{ParquetFiles.Amount(row)},{ParquetFiles.Name(row)},{row % 10}\n");
        }

        var left = await ProfileAsync(text.ToString());
        var right = await TableStatistics.ComputeAsync(Engines.Shared, "t", new AiPlatform.DataFiles.Sources.MemorySource(parquet), FileFormat.Parquet, CancellationToken.None);
        foreach (var column in left.Columns)
        {
            var other = right.Columns.Single(candidate => candidate.Name == column.Name);
            Assert.Equal((column.Count, column.Missing, column.Distinct, column.Type), (other.Count, other.Missing, other.Distinct, other.Type));
            Assert.Equal(column.Numeric?.Quantiles, other.Numeric?.Quantiles);
            Assert.Equal(column.Top, other.Top);
        }
    }

    internal static async Task<TableProfile> ProfileAsync(string csv) => (await PartAsync(csv, QualityPlan.Empty)).Tables.Single();

    internal static Task<QualityPart> PartAsync(string csv, QualityPlan plan, string path = "data.csv")
        => QualityProfiler.ProfileTablesAsync(Engines.Shared, Files((path, csv)), plan, static _ => Task.CompletedTask, CancellationToken.None);

    internal static async IAsyncEnumerable<QualityFile> Files(params (string Path, string Content)[] files)
    {
        foreach (var (path, content) in files)
        {
            await Task.Yield();
            yield return new QualityFile(path, Tables.Source(content));
        }
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
