namespace AiPlatform.Data.Statistics;

/// <summary>
/// Quantiles of any number of values in bounded memory: the merging t-digest of Dunning and Ertl, whose error is smallest at the
/// tails, where outliers are told from the rest.
/// </summary>
internal sealed class TDigest
{
    private const double Compression = 400;
    private const int BufferSize = 4096;

    private readonly double[] _buffer = new double[BufferSize];
    private int _buffered;
    private double[] _means = [];
    private double[] _weights = [];
    private double _total;

    /// <summary>The smallest value; NaN while there is none.</summary>
    public double Min { get; private set; } = double.NaN;

    /// <summary>The largest value; NaN while there is none.</summary>
    public double Max { get; private set; } = double.NaN;

    /// <summary>Adds a finite value.</summary>
    public void Add(double value)
    {
        if (_buffered == BufferSize)
        {
            Merge();
        }

        _buffer[_buffered++] = value;
    }

    /// <summary>The value below which the share <paramref name="q"/> of all values lies; NaN while there is none.</summary>
    public double Quantile(double q)
    {
        Merge();
        if (_means.Length == 0)
        {
            return double.NaN;
        }

        var target = q * _total;
        var before = 0d;
        for (var i = 0; i < _means.Length; i++)
        {
            var middle = before + (_weights[i] / 2);
            if (target <= middle)
            {
                var (left, leftAt) = i == 0 ? (Min, 0d) : (_means[i - 1], before - (_weights[i - 1] / 2));
                return Between(left, leftAt, _means[i], middle, target);
            }

            before += _weights[i];
        }

        return Between(_means[^1], _total - (_weights[^1] / 2), Max, _total, target);
    }

    /// <summary>The share of the values that are at most <paramref name="value"/>.</summary>
    public double Rank(double value)
    {
        Merge();
        if (_means.Length == 0 || value < Min)
        {
            return 0;
        }

        if (value >= Max)
        {
            return 1;
        }

        var (left, leftAt, before) = (Min, 0d, 0d);
        for (var i = 0; i < _means.Length; i++)
        {
            var middle = before + (_weights[i] / 2);
            if (value < _means[i])
            {
                return Between(leftAt, left, middle, _means[i], value) / _total;
            }

            (left, leftAt, before) = (_means[i], middle, before + _weights[i]);
        }

        return Between(leftAt, left, _total, Max, value) / _total;
    }

    // Interpolates between (at0, value0) and (at1, value1).
    private static double Between(double value0, double at0, double value1, double at1, double at)
        => at1 <= at0 ? value1 : value0 + ((value1 - value0) * Math.Clamp((at - at0) / (at1 - at0), 0, 1));

    private void Merge()
    {
        if (_buffered == 0)
        {
            return;
        }

        Array.Sort(_buffer, 0, _buffered);
        Min = double.IsNaN(Min) ? _buffer[0] : Math.Min(Min, _buffer[0]);
        Max = double.IsNaN(Max) ? _buffer[_buffered - 1] : Math.Max(Max, _buffer[_buffered - 1]);
        var total = _total + _buffered;
        var (means, weights) = (new List<double>((int)Compression), new List<double>((int)Compression));
        var (known, added, done) = (0, 0, 0d);
        var (mean, weight) = Next(ref known, ref added);
        var limit = Limit(0, total);
        while (known < _means.Length || added < _buffered)
        {
            var (value, count) = Next(ref known, ref added);
            if ((done + weight + count) <= limit)
            {
                weight += count;
                mean += (value - mean) * count / weight;
                continue;
            }

            means.Add(mean);
            weights.Add(weight);
            done += weight;
            limit = Limit(done / total, total);
            (mean, weight) = (value, count);
        }

        means.Add(mean);
        weights.Add(weight);
        (_means, _weights, _total, _buffered) = ([.. means], [.. weights], total, 0);
    }

    private (double Mean, double Weight) Next(ref int known, ref int added)
        => added == _buffered || (known < _means.Length && _means[known] <= _buffer[added]) ? (_means[known], _weights[known++]) : (_buffer[added++], 1);

    // How much weight may lie before the end of a centroid that begins at q: one step of the scale function k1.
    private static double Limit(double q, double total)
    {
        var k = Compression / (2 * Math.PI) * Math.Asin((2 * q) - 1);
        return k + 1 >= Compression / 4 ? total : total * (Math.Sin(2 * Math.PI * (k + 1) / Compression) + 1) / 2;
    }
}
