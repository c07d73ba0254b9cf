namespace AiPlatform.Data.Statistics;

/// <summary>Count, mean and higher moments of numbers in one pass (Welford, with the update of Pébay for the third and fourth).</summary>
internal sealed class Moments
{
    private double _m2;
    private double _m3;
    private double _m4;

    /// <summary>Values.</summary>
    public long Count { get; private set; }

    /// <summary>Their mean.</summary>
    public double Mean { get; private set; }

    /// <summary>The smallest value.</summary>
    public double Min { get; private set; } = double.PositiveInfinity;

    /// <summary>The largest value.</summary>
    public double Max { get; private set; } = double.NegativeInfinity;

    /// <summary>The sample variance; 0 for fewer than two values.</summary>
    public double Variance => Count > 1 ? _m2 / (Count - 1) : 0;

    /// <summary>The sample standard deviation.</summary>
    public double StandardDeviation => Math.Sqrt(Variance);

    /// <summary>The skewness (biased, as scipy's default); 0 for constant values.</summary>
    public double Skewness => _m2 > 0 ? Math.Sqrt(Count) * _m3 / Math.Pow(_m2, 1.5) : 0;

    /// <summary>The excess kurtosis (biased, as scipy's default); 0 for constant values.</summary>
    public double Kurtosis => _m2 > 0 ? (Count * _m4 / (_m2 * _m2)) - 3 : 0;

    /// <summary>Adds a finite value.</summary>
    public void Add(double value)
    {
        var before = Count++;
        double n = Count;
        var delta = value - Mean;
        var step = delta / n;
        var square = step * step;
        var term = delta * step * before;
        Mean += step;
        _m4 += (term * square * ((n * n) - (3 * n) + 3)) + (6 * square * _m2) - (4 * step * _m3);
        _m3 += (term * step * (n - 2)) - (3 * step * _m2);
        _m2 += term;
        Min = Math.Min(Min, value);
        Max = Math.Max(Max, value);
    }
}
