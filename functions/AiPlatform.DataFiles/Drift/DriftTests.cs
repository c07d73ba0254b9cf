using AiPlatform.DataFiles.Statistics;

namespace AiPlatform.DataFiles.Drift;

/// <summary>The statistics of drift.</summary>
public static class DriftTests
{
    private const int Bins = 10;

    /// <summary>What an empty bin counts as, so that the index stays finite.</summary>
    private const double Floor = 1e-4;

    /// <summary>The two-sided, two-sample Kolmogorov–Smirnov statistic and its p-value.</summary>
    public static (double Statistic, double PValue) KolmogorovSmirnov(ReadOnlySpan<double> before, ReadOnlySpan<double> now)
    {
        var (left, right) = (before.ToArray(), now.ToArray());
        Array.Sort(left);
        Array.Sort(right);
        var (i, j, largest) = (0, 0, 0d);
        while (i < left.Length && j < right.Length)
        {
            var value = Math.Min(left[i], right[j]);
            while (i < left.Length && left[i] <= value)
            {
                i++;
            }

            while (j < right.Length && right[j] <= value)
            {
                j++;
            }

            largest = Math.Max(largest, Math.Abs(((double)i / left.Length) - ((double)j / right.Length)));
        }

        return (largest, left.Length == 0 || right.Length == 0 ? 1 : Distributions.KolmogorovSmirnovTail(largest, left.Length, right.Length));
    }

    /// <summary>The chi-square test of homogeneity of two sets of counts, category by category.</summary>
    public static (double Statistic, double PValue) ChiSquare(ReadOnlySpan<double> before, ReadOnlySpan<double> now)
    {
        var kept = 0;
        for (var i = 0; i < before.Length; i++)
        {
            kept += before[i] + now[i] > 0 ? 1 : 0;
        }

        var table = new double[2, kept];
        for (int i = 0, column = 0; i < before.Length; i++)
        {
            if (before[i] + now[i] > 0)
            {
                (table[0, column], table[1, column]) = (before[i], now[i]);
                column++;
            }
        }

        var (statistic, freedom) = Association.ChiSquare(table);
        return (statistic, Distributions.ChiSquareTail(statistic, freedom));
    }

    /// <summary>The population stability index of numbers, in bins that hold a tenth of what was there before each.</summary>
    public static double Psi(ReadOnlySpan<double> before, ReadOnlySpan<double> now)
    {
        var sorted = before.ToArray();
        Array.Sort(sorted);
        var edges = Enumerable.Range(1, Bins - 1).Select(i => Quantiles.Of(sorted, (double)i / Bins)).Distinct().ToArray();
        return PsiOfCounts(Counts(before, edges), Counts(now, edges));
    }

    /// <summary>The population stability index of counts, category by category.</summary>
    public static double PsiOfCounts(ReadOnlySpan<double> before, ReadOnlySpan<double> now)
    {
        var (totalBefore, totalNow) = (Sum(before), Sum(now));
        if (totalBefore == 0 || totalNow == 0)
        {
            return 0;
        }

        var psi = 0d;
        for (var i = 0; i < before.Length; i++)
        {
            var (expected, actual) = (Math.Max(before[i] / totalBefore, Floor), Math.Max(now[i] / totalNow, Floor));
            psi += (actual - expected) * Math.Log(actual / expected);
        }

        return psi;
    }

    // A value on an edge belongs to the bin below it.
    private static double[] Counts(ReadOnlySpan<double> values, double[] edges)
    {
        var counts = new double[edges.Length + 1];
        foreach (var value in values)
        {
            var bin = Array.BinarySearch(edges, value);
            counts[bin < 0 ? ~bin : bin]++;
        }

        return counts;
    }

    private static double Sum(ReadOnlySpan<double> values)
    {
        var sum = 0d;
        foreach (var value in values)
        {
            sum += value;
        }

        return sum;
    }
}
