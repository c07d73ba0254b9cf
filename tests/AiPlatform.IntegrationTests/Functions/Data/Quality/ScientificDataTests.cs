using System.Text.Json;
using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Sources;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>Profiles and drift of real data sets against numpy and scipy.</summary>
public sealed class ScientificDataTests
{
    [Fact]
    public async Task Profiles_and_drift_of_the_data_sets_of_scikit_learn_agree_with_numpy_and_scipy()
    {
        using var data = await ScientificData.ExportAsync();
        foreach (var name in (string[])["iris", "wine", "breast_cancer", "diabetes", "digits"])
        {
            var table = (await ProfileAsync(data.At(name, $"{name}.csv"))).Tables.Single();
            var expected = data.Reference.GetProperty(name);
            Assert.Equal((expected.GetProperty("rows").GetInt64(), expected.GetProperty("duplicates").GetInt64()), (table.Rows, table.Duplicates));
            Assert.Equal(expected.GetProperty("columns").EnumerateObject().Select(static column => column.Name), table.Columns.Select(static column => column.Name));
            foreach (var column in table.Columns)
            {
                Compare(name, column, expected.GetProperty("columns").GetProperty(column.Name));
            }
        }

        var before = await ProfileAsync(data.At("wine", "wine.csv"));
        var now = await ProfileAsync(data.At("wine2", "wine.csv"));
        var drift = Assert.Single(DriftDetector.Compare(before.Sketches, now.Sketches));
        Assert.Equal(14, drift.Columns.Count);
        foreach (var column in drift.Columns)
        {
            var expected = data.Reference.GetProperty("drift").GetProperty(column.Column);
            Near(expected.GetProperty("statistic").GetDouble(), column.Statistic, column.Column);
            Near(expected.GetProperty("pvalue").GetDouble(), column.PValue, column.Column);
        }

        foreach (var method in (string[])["pearson", "spearman"])
        {
            var pair = before.Tables[0].Correlations.Single(pair => pair.Method == method && pair.Left == "total_phenols" && pair.Right == "flavanoids");
            Near(data.Reference.GetProperty("correlation").GetProperty(method).GetDouble(), pair.Value, method);
        }

        foreach (var image in (string[])["china.jpg", "flower.jpg"])
        {
            var bytes = await File.ReadAllBytesAsync(data.At("images", image));
            Assert.Equal(new ImageInfo(ImageFormat.Jpeg, 640, 427, null), ImageInspector.Inspect(bytes, isWhole: true));
            Assert.NotNull(ImageInspector.Inspect(bytes.AsSpan(0, bytes.Length * 2 / 3), isWhole: true).Problem);
        }
    }

    private static void Compare(string table, ColumnProfile column, JsonElement expected)
    {
        var name = $"{table}.{column.Name}";
        double Expected(string key) => expected.GetProperty(key).GetDouble();
        Assert.Equal(0, column.Missing);
        Assert.True(expected.GetProperty("distinct").GetInt64() == column.Distinct, $"{name}: {column.Distinct} distinct");
        var numeric = column.Numeric!;
        Near(Expected("mean"), numeric.Mean, name);
        Near(Expected("std"), numeric.StandardDeviation, name);
        Assert.Equal((Expected("min"), Expected("max")), (numeric.Min, numeric.Max));
        Near(Expected("q1"), numeric.Quantiles[2], name);
        Near(Expected("median"), numeric.Quantiles[3], name);
        Near(Expected("q3"), numeric.Quantiles[4], name);
        Assert.True(expected.GetProperty("iqrOutliers").GetInt64() == numeric.Outliers.IqrCount, $"{name}: {numeric.Outliers.IqrCount} outliers");
    }

    private static async Task<QualityPart> ProfileAsync(string path)
    {
        using var engine = new DataEngine(new DataEngineOptions { Folder = Path.Combine(Path.GetTempPath(), "aip-tests-data") }, TimeProvider.System);
        using var source = new FileSource(path);

        async IAsyncEnumerable<QualityFile> Files()
        {
            await Task.Yield();
            yield return new QualityFile(Path.GetFileName(path), source);
        }

        return await QualityProfiler.ProfileTablesAsync(engine, Files(), QualityPlan.Empty, static _ => Task.CompletedTask, CancellationToken.None);
    }

    private static void Near(double expected, double found, string name)
        => Assert.True(Math.Abs(expected - found) <= 1e-9 + (1e-8 * Math.Abs(expected)), $"{name}: {found} instead of {expected}");
}
