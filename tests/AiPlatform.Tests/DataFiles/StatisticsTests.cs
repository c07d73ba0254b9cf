using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Statistics;
using CsCheck;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Statistics against scipy 1.10.1 (the calls stand beside the expected values).</summary>
public sealed class StatisticsTests
{
    private static readonly double[] A =
    [
        1.691, -0.466, 0.033, 0.408, -0.789, 0.002, -0.001, -1.755, 1.018, 0.6, -0.625, -0.172, 0.505, -0.261, -0.243, -1.453, 0.555, 0.124, 0.274, -1.527, 1.651, 0.154, -0.387,
        2.029, -0.045, -1.451, -0.405, -2.288, 1.049, -0.416, -0.743, 1.072, -1.651, 0.535, -2.064, -0.662, -1.204, 1.462, 1.766, -0.329, 0.841, -0.18, 0.568, -0.753, -1.708, -1.803,
        0.383, 2.248, 0.269, -0.525, 1.912, 0.237, 0.101, 0.253, -0.132, -0.309, -1.435, 0.502, -0.095, 1.193,
    ];

    private static readonly double[] B =
    [
        0.057, -1.788, 0.38, 2.539, 0.04, -0.568, -0.932, -0.76, 0.14, -0.916, 2.297, 0.161, 0.63, 2.226, 2.304, 0.245, 0.898, 1.382, 0.269, -1.634, 1.286, 1.573, 0.999, -0.608, 0.265,
        -0.209, 0.14, 2.056, 2.335, 1.303, 1.158, 1.312, 0.485, 0.409, -0.308, 0.433, 3.212, 1.543, 0.089, -0.066, -0.537, 0.949, 0.97, -1.232, 1.084,
    ];

    // stats.ks_2samp(a, b)
    [Fact]
    public void Kolmogorov_Smirnov_agrees_with_scipy()
    {
        var (statistic, p) = DriftTests.KolmogorovSmirnov(A, B);
        Assert.Equal(0.2833333333333333, statistic, 12);
        Assert.Equal(0.026762795117647273, p, 10);
    }

    // stats._stats_py._attempt_exact_2kssamp(m, n, gcd, d, 'two-sided')
    [Theory]
    [InlineData(0.4, 10, 10, 0.41752365281777043)]
    [InlineData(0.35, 20, 30, 0.08926848744392459)]
    [InlineData(0.2, 50, 50, 0.2719135601522248)]
    [InlineData(0.5, 7, 100, 0.04965103290840069)]
    [InlineData(0.08, 300, 400, 0.21257685173298374)]
    public void The_exact_tail_of_two_samples_agrees_with_scipy(double statistic, int left, int right, double expected)
        => Assert.Equal(expected, Distributions.KolmogorovSmirnovTail(statistic, left, right), 9);

    // stats.chi2.sf(x, k)
    [Theory]
    [InlineData(0.5, 1, 0.47950012218695337)]
    [InlineData(3.84, 1, 0.05004352124870519)]
    [InlineData(10, 5, 0.07523524614651217)]
    [InlineData(25.3, 10, 0.004804952978983564)]
    [InlineData(120.5, 100, 0.07966860332541578)]
    [InlineData(300, 100, 7.4121008573230175e-22)]
    public void The_tail_of_chi_square_agrees_with_scipy(double statistic, int freedom, double expected)
        => Assert.InRange(Distributions.ChiSquareTail(statistic, freedom) / expected, 1 - 1e-9, 1 + 1e-9);

    // stats.chi2_contingency([[30, 14, 5], [20, 25, 9]], correction=False)
    [Fact]
    public void Chi_square_of_counts_agrees_with_scipy_and_empty_categories_do_not_count()
    {
        var (statistic, p) = DriftTests.ChiSquare([30, 0, 14, 5], [20, 0, 25, 9]);
        Assert.Equal(6.016881518582199, statistic, 10);
        Assert.Equal(0.04936859630349398, p, 10);
    }

    // The same in numpy: deciles of a, np.searchsorted(edges, x, side='left'), shares of at least 1e-4.
    [Fact]
    public void The_population_stability_index_agrees_with_numpy() => Assert.Equal(0.4530519455422823, DriftTests.Psi(A, B), 10);

    // stats.pearsonr, stats.spearmanr, stats.contingency.association(method='cramer')
    [Fact]
    public void Correlations_agree_with_scipy()
    {
        Assert.Equal(0.046995907739063224, Association.Pearson(A.AsSpan(0, 45), B), 10);
        Assert.Equal(0.08149148527099477, Association.Spearman(A.AsSpan(0, 45), B), 10);
        Assert.Equal(0.8500448642197896, Association.Pearson([1, 2, 2, 3, 5, 5, 5, 8], [2, 1, 4, 4, 3, 7, 6, 9]), 10);
        Assert.Equal(0.7841896995149691, Association.Spearman([1, 2, 2, 3, 5, 5, 5, 8], [2, 1, 4, 4, 3, 7, 6, 9]), 10);
        int[][] table = [[30, 14, 5], [20, 25, 9]];
        var pairs = table.SelectMany(static (row, left) => row.SelectMany((count, right) => Enumerable.Repeat((left, right), count))).ToList();
        Assert.Equal(0.24169469465242333, Association.CramersV(pairs.Select(static pair => pair.left).ToArray(), pairs.Select(static pair => pair.right).ToArray()), 10);
        Assert.True(double.IsNaN(Association.Pearson([1, 1, 1], [1, 2, 3])));
    }

    // stats.skew(a), stats.kurtosis(a), a.mean(), a.std(ddof=1), np.quantile(a, …)
    [Fact]
    public void Moments_and_quantiles_agree_with_scipy()
    {
        var numbers = SortedNumbers.Of(A.Order().Select(static value => (value, 1L)));
        Assert.Equal(-0.0407, numbers.Mean, 10);
        Assert.Equal(1.0648245387410475, numbers.StandardDeviation, 10);
        Assert.Equal(0.020341472067859065, numbers.Skewness, 10);
        Assert.Equal(-0.3739666909683126, numbers.Kurtosis, 10);
        Assert.Equal([-2.15584, -0.63425, -0.023, 0.54, 2.11879], new[] { 0.01, 0.25, 0.5, 0.75, 0.99 }.Select(q => Math.Round(numbers.Quantile(q), 10)));
    }

    [Fact]
    public void Repeated_rows_are_counted_exactly_up_to_the_bound()
        => Gen.Int[0, 400].Array[0, 600].Sample(static rows =>
        {
            var counter = new DuplicateCounter();
            foreach (var row in rows)
            {
                counter.Add(Hash64.Of((long)row));
            }

            return counter.IsExact && counter.Count == rows.Length - rows.Distinct().Count();
        });

    [Fact]
    public void Beyond_the_bound_repeated_rows_are_estimated()
    {
        var counter = new DuplicateCounter(maxKept: 10_000);
        for (var i = 0; i < 300_000; i++)
        {
            counter.Add(Hash64.Of((long)(i % 200_000)));
        }

        Assert.False(counter.IsExact);
        Assert.InRange(counter.Count, 85_000, 115_000);
    }

    [Fact]
    public void Hashes_of_near_texts_differ()
    {
        var hashes = Enumerable.Range(0, 100_000).Select(static i => Hash64.Of($"{i}")).Concat(Enumerable.Range(0, 200).Select(static i => Hash64.Of(new string('a', i)))).ToHashSet();
        Assert.Equal(100_200, hashes.Count);
        Assert.NotEqual(Hash64.Combine(Hash64.Combine(0, 1), 2), Hash64.Combine(Hash64.Combine(0, 2), 1));
    }
}
