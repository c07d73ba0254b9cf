using AiPlatform.DataFiles.Statistics;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Makes the profile of numbers that are all known.</summary>
internal static class NumberSummary
{
    /// <summary>Bars of a histogram.</summary>
    public const int Bars = 20;

    private const double RobustLimit = 3.5;
    private const double NormalFactor = 0.6745;

    /// <summary>The profile, without the rows of the outliers.</summary>
    public static NumericProfile Of(SortedNumbers numbers, long infinite)
    {
        var quantiles = NumericProfile.Shares.Select(numbers.Quantile).ToArray();
        var median = quantiles[3];
        var outliers = Bounds(quantiles[2], quantiles[4], median, numbers.MedianDistance(median));
        outliers = outliers with
        {
            IqrCount = numbers.Below(outliers.IqrLow) + numbers.Count - numbers.UpTo(outliers.IqrHigh),
            RobustCount = outliers is { RobustLow: { } low, RobustHigh: { } high } ? numbers.Below(low) + numbers.Count - numbers.UpTo(high) : 0,
        };
        return new NumericProfile(
            numbers.Min, numbers.Max, numbers.Mean, numbers.StandardDeviation, numbers.Skewness, numbers.Kurtosis, numbers.UpTo(0) - numbers.Below(0), numbers.Below(0),
            quantiles, IsExact: true, outliers, Histogram(numbers), infinite);
    }

    /// <summary>What tells outliers from the rest.</summary>
    /// <param name="deviation">The median distance from the median.</param>
    public static OutlierProfile Bounds(double q1, double q3, double median, double deviation)
    {
        double? reach = deviation > 0 ? RobustLimit * deviation / NormalFactor : null;
        return new OutlierProfile(Finite(q1 - (1.5 * (q3 - q1))), Finite(q3 + (1.5 * (q3 - q1))), 0, Finite(median - reach), Finite(median + reach), 0, [], []);
    }

    /// <summary>A histogram of numbers.</summary>
    public static IReadOnlyList<HistogramBar> Histogram(SortedNumbers numbers)
        => numbers.Count == 0 ? [] : Histogram(numbers.Min, numbers.Max, numbers.Count, numbers.Below);

    /// <summary>A histogram of numbers between two values.</summary>
    /// <param name="below">How many are smaller than a value.</param>
    public static IReadOnlyList<HistogramBar> Histogram(double min, double max, long count, Func<double, long> below)
    {
        if (!double.IsFinite(max - min))
        {
            return [];
        }

        if (min == max)
        {
            return [new HistogramBar(min, max, count)];
        }

        var bars = new HistogramBar[Bars];
        var (before, from) = (0L, min);
        for (var i = 0; i < Bars; i++)
        {
            var to = i == Bars - 1 ? max : Edge(min, max, i + 1);
            var upTo = i == Bars - 1 ? count : below(to);
            bars[i] = new HistogramBar(from, to, upTo - before);
            (before, from) = (upTo, to);
        }

        return bars;
    }

    /// <summary>Where a bar begins.</summary>
    public static double Edge(double min, double max, int bar) => min + ((max - min) * bar / Bars);

    private static double Finite(double value) => double.IsNaN(value) ? 0 : Math.Clamp(value, double.MinValue, double.MaxValue);

    private static double? Finite(double? value) => value is { } known ? Finite(known) : null;
}
