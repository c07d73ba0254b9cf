namespace AiPlatform.DataFiles.Statistics;

/// <summary>Different finite numbers in order, each with how often it is there: everything about their distribution, exactly.</summary>
internal sealed class SortedNumbers
{
    private readonly double[] _values;
    private readonly long[] _upTo;

    private SortedNumbers(double[] values, long[] upTo)
    {
        (_values, _upTo) = (values, upTo);
        Count = upTo.Length == 0 ? 0 : upTo[^1];
        var before = 0L;
        for (var i = 0; i < values.Length; i++)
        {
            // A mean that is moved step by step does not overflow where the sum would.
            Mean += (values[i] - Mean) * ((double)(upTo[i] - before) / upTo[i]);
            before = upTo[i];
        }

        var (second, third, fourth) = (0d, 0d, 0d);
        before = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var (delta, n) = (values[i] - Mean, upTo[i] - before);
            var square = delta * delta;
            second += square * n;
            third += square * delta * n;
            fourth += square * square * n;
            before = upTo[i];
        }

        StandardDeviation = Count > 1 ? Finite(Math.Sqrt(second / (Count - 1))) : 0;
        Skewness = second > 0 ? Finite(Math.Sqrt(Count) * third / Math.Pow(second, 1.5)) : 0;
        Kurtosis = second > 0 ? Finite((Count * fourth / (second * second)) - 3) : 0;
    }

    /// <summary>Numbers in all.</summary>
    public long Count { get; }

    /// <summary>Their mean.</summary>
    public double Mean { get; }

    /// <summary>The sample standard deviation.</summary>
    public double StandardDeviation { get; }

    /// <summary>The skewness (biased, as scipy's default); 0 for constant values.</summary>
    public double Skewness { get; }

    /// <summary>The excess kurtosis (biased, as scipy's default); 0 for constant values.</summary>
    public double Kurtosis { get; }

    /// <summary>The smallest.</summary>
    public double Min => _values[0];

    /// <summary>The largest.</summary>
    public double Max => _values[^1];

    /// <summary>Takes numbers in order, which may repeat, with their counts.</summary>
    public static SortedNumbers Of(IEnumerable<(double Value, long Count)> sorted)
    {
        var (values, upTo, total) = (new List<double>(), new List<long>(), 0L);
        foreach (var (value, count) in sorted)
        {
            total += count;
            if (values.Count > 0 && values[^1] == value)
            {
                upTo[^1] = total;
                continue;
            }

            values.Add(value);
            upTo.Add(total);
        }

        return new SortedNumbers([.. values], [.. upTo]);
    }

    /// <summary>Takes different numbers in order.</summary>
    /// <param name="upTo">How many there are up to each of them.</param>
    public static SortedNumbers OfRuns(double[] values, long[] upTo) => new(values, upTo);

    /// <summary>How many are smaller than a value.</summary>
    public long Below(double value)
    {
        var index = LowerBound(value);
        return index == 0 ? 0 : _upTo[index - 1];
    }

    /// <summary>How many are at most a value.</summary>
    public long UpTo(double value)
    {
        var index = Array.BinarySearch(_values, value);
        index = index < 0 ? ~index : index + 1;
        return index == 0 ? 0 : _upTo[index - 1];
    }

    /// <summary>The quantile by linear interpolation between neighbours, as NumPy's default.</summary>
    public double Quantile(double q) => Between(q, At);

    /// <summary>The median of the distances from a value.</summary>
    public double MedianDistance(double from)
    {
        var (left, right) = (LowerBound(from) - 1, LowerBound(from));
        var seen = 0L;
        var at = 0d;

        // Ranks are asked for in order.
        return Between(0.5, rank =>
        {
            while (seen <= rank)
            {
                var (below, above) = (left >= 0 ? from - _values[left] : double.PositiveInfinity, right < _values.Length ? _values[right] - from : double.PositiveInfinity);
                var index = below <= above ? left-- : right++;
                at = Math.Min(below, above);
                seen += _upTo[index] - (index == 0 ? 0 : _upTo[index - 1]);
            }

            return at;
        });
    }

    private static double Finite(double value) => double.IsNaN(value) ? 0 : Math.Clamp(value, double.MinValue, double.MaxValue);

    private double Between(double q, Func<long, double> at)
    {
        if (Count == 0)
        {
            return double.NaN;
        }

        var place = q * (Count - 1);
        var low = (long)Math.Floor(place);
        var value = at(low);
        return low + 1 >= Count || place == low ? value : value + ((place - low) * (at(low + 1) - value));
    }

    // The number at a rank from 0.
    private double At(long rank)
    {
        var index = Array.BinarySearch(_upTo, rank + 1);
        return _values[index < 0 ? ~index : index];
    }

    private int LowerBound(double value)
    {
        var index = Array.BinarySearch(_values, value);
        return index < 0 ? ~index : index;
    }
}
