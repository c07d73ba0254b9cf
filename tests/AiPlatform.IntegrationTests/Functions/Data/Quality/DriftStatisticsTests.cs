using System.Text.Json;
using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Statistics;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>The statistics of drift against scipy (<c>drift.py</c>), from tens to a million values and from no effect to one of a hundred deviations.</summary>
public sealed class DriftStatisticsTests(ScipyReference scipy) : IClassFixture<ScipyReference>
{
    private readonly JsonElement _reference = scipy.Drift;

    [Fact]
    public void Kolmogorov_Smirnov_of_two_samples_keeps_its_digits_down_to_the_smallest_tails()
    {
        var smallest = 1d;
        foreach (var sample in _reference.GetProperty("samples").EnumerateArray())
        {
            var (statistic, left, right) = (Number(sample, "statistic"), sample.GetProperty("left").GetInt32(), sample.GetProperty("right").GetInt32());
            var p = Distributions.KolmogorovSmirnovTail(statistic, left, right);
            Near(Number(sample, "pvalue"), p, 1e-8, $"D = {statistic} of {left} and {right}");
            smallest = Math.Min(smallest, p);
        }

        Assert.InRange(smallest, 0, 1e-290);
    }

    [Fact]
    public void Statistics_of_samples_agree()
    {
        var compared = 0;
        foreach (var sample in _reference.GetProperty("samples").EnumerateArray().Where(static sample => sample.GetProperty("before").ValueKind == JsonValueKind.Array))
        {
            var (before, now) = (Numbers(sample, "before"), Numbers(sample, "now"));
            var (statistic, p) = DriftTests.KolmogorovSmirnov(before, now);
            Near(Number(sample, "statistic"), statistic, 1e-12, "D");
            Near(Number(sample, "pvalue"), p, 1e-8, $"D = {statistic} of {before.Length} and {now.Length}");
            Near(Number(sample, "psi"), DriftTests.Psi(before, now), 1e-9, "PSI");
            compared++;
        }

        Assert.InRange(compared, 100, 1000);
    }

    [Fact]
    public void Kolmogorov_Smirnov_of_large_samples_follows_the_limit()
    {
        foreach (var tail in _reference.GetProperty("tails").EnumerateArray())
        {
            var (statistic, left, right) = (Number(tail, "statistic"), tail.GetProperty("left").GetInt32(), tail.GetProperty("right").GetInt32());
            Near(Number(tail, "pvalue"), Distributions.KolmogorovSmirnovTail(statistic, left, right), 1e-6, $"D = {statistic} of {left} and {right}");
        }
    }

    [Fact]
    public void Chi_square_of_counts_agrees()
    {
        foreach (var counts in _reference.GetProperty("counts").EnumerateArray())
        {
            var (statistic, p) = DriftTests.ChiSquare(Numbers(counts, "before"), Numbers(counts, "now"));
            Near(Number(counts, "statistic"), statistic, 1e-9, "chi-square");
            Near(Number(counts, "pvalue"), p, 1e-7, $"chi-square {statistic}");
        }
    }

    [Fact]
    public void The_tail_of_chi_square_agrees()
    {
        foreach (var chi in _reference.GetProperty("chi").EnumerateArray())
        {
            var (statistic, freedom) = (Number(chi, "statistic"), chi.GetProperty("freedom").GetInt32());
            Near(Number(chi, "pvalue"), Distributions.ChiSquareTail(statistic, freedom), 1e-7, $"{statistic} of {freedom}");
        }
    }

    private static double Number(JsonElement item, string name) => item.GetProperty(name).GetDouble();

    private static double[] Numbers(JsonElement item, string name) => [.. item.GetProperty(name).EnumerateArray().Select(static value => value.GetDouble())];

    // Denormal numbers have few digits.
    private static void Near(double expected, double found, double relative, string name)
        => Assert.True(Math.Abs(expected - found) <= (relative * Math.Abs(expected)) + 1e-300, $"{name}: {found:R} instead of {expected:R}");
}
