using AiPlatform.Data.Statistics;

namespace AiPlatform.Data.Profiles;

/// <summary>Collects the numbers of a column in one pass.</summary>
internal sealed class NumberAccumulator
{
    private const int Extremes = 5;
    private const int Bars = 20;
    private const double RobustLimit = 3.5;
    private const double NormalFactor = 0.6745;

    private readonly TDigest _digest = new();
    private readonly SortedList _smallest = new(smallest: true);
    private readonly SortedList _largest = new(smallest: false);
    private long _zeros;
    private long _negatives;

    /// <summary>Count, mean and spread.</summary>
    public Moments Moments { get; } = new();

    /// <summary>Adds a finite number.</summary>
    public void Add(double value, long row)
    {
        Moments.Add(value);
        _digest.Add(value);
        _smallest.Add(value, row);
        _largest.Add(value, row);
        _zeros += value == 0 ? 1 : 0;
        _negatives += value < 0 ? 1 : 0;
    }

    /// <summary>The share of the numbers that are at most <paramref name="value"/>.</summary>
    public double Rank(double value) => _digest.Rank(value);

    /// <summary>The value at a share.</summary>
    public double Quantile(double q) => _digest.Quantile(q);

    /// <summary>The profile.</summary>
    /// <param name="sample">A sample of the numbers, unordered.</param>
    /// <param name="isAll">Whether the sample is all of them.</param>
    public NumericProfile Build(double[] sample, bool isAll)
    {
        var sorted = sample.Order().ToArray();
        double At(double q) => isAll ? Quantiles.Of(sorted, q) : _digest.Quantile(q);
        var (q1, q3) = (At(0.25), At(0.75));
        var (low, high) = (q1 - (1.5 * (q3 - q1)), q3 + (1.5 * (q3 - q1)));
        var median = Quantiles.Of(sorted, 0.5);
        var deviation = Quantiles.Of([.. sorted.Select(value => Math.Abs(value - median)).Order()], 0.5);
        double? reach = deviation > 0 ? RobustLimit * deviation / NormalFactor : null;
        var outliers = new OutlierProfile(
            low, high, Outside(low, high, sorted, isAll), median - reach, median + reach, reach is { } r ? Outside(median - r, median + r, sorted, isAll) : 0, [], []);
        return new NumericProfile(
            Moments.Min, Moments.Max, Moments.Mean, Moments.StandardDeviation, Moments.Skewness, Moments.Kurtosis, _zeros, _negatives,
            [.. NumericProfile.Shares.Select(At)], isAll,
            outliers with { Smallest = _smallest.Where(outliers.Contains), Largest = _largest.Where(outliers.Contains) }, Histogram(sorted, isAll));
    }

    /// <summary>A histogram of what was added.</summary>
    public IReadOnlyList<HistogramBar> Histogram(double[] sorted, bool isAll)
    {
        var (min, max) = (Moments.Min, Moments.Max);
        if (Moments.Count == 0 || !double.IsFinite(max - min))
        {
            return [];
        }

        if (min == max)
        {
            return [new HistogramBar(min, max, Moments.Count)];
        }

        var bars = new HistogramBar[Bars];
        var (before, from) = (0L, min);
        for (var i = 0; i < Bars; i++)
        {
            var to = i == Bars - 1 ? max : min + ((max - min) * (i + 1) / Bars);
            var upTo = i == Bars - 1 ? Moments.Count : isAll ? Below(sorted, to) : (long)Math.Round(_digest.Rank(to) * Moments.Count);
            bars[i] = new HistogramBar(from, to, upTo - before);
            (before, from) = (upTo, to);
        }

        return bars;
    }

    private static long Below(double[] sorted, double value)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < value ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private long Outside(double low, double high, double[] sorted, bool isAll) => isAll
        ? sorted.LongCount(value => value < low || value > high)
        : (long)Math.Round(Moments.Count * ((low > Moments.Min ? _digest.Rank(low) : 0) + (high < Moments.Max ? 1 - _digest.Rank(high) : 0)));

    // The few most extreme values, with their rows.
    private sealed class SortedList(bool smallest)
    {
        private readonly List<RowValue> _values = new(Extremes + 1);

        public void Add(double value, long row)
        {
            if (_values.Count == Extremes && !(smallest ? value < _values[^1].Value : value > _values[^1].Value))
            {
                return;
            }

            var at = _values.FindIndex(known => smallest ? value < known.Value : value > known.Value);
            _values.Insert(at < 0 ? _values.Count : at, new RowValue(row + 1, value));
            if (_values.Count > Extremes)
            {
                _values.RemoveAt(Extremes);
            }
        }

        public IReadOnlyList<RowValue> Where(Func<double, bool> condition) => [.. _values.Where(known => condition(known.Value))];
    }
}
