namespace AiPlatform.DataFiles.Statistics;

/// <summary>
/// Tails of the two-sided, two-sample Kolmogorov–Smirnov statistic. Each method adds up probabilities of being outside, never one less
/// the probability of being inside: small tails keep their digits.
/// </summary>
internal static class KolmogorovSmirnov
{
    /// <summary>Up to this many values on the larger side the exact distribution is computed; beyond, the limit with its corrections.</summary>
    public const int MaxExact = 10_000;

    private const int MaxCell = 100_000_000;
    private const double Straight = 2.2;
    private static readonly double Root2Pi = Math.Sqrt(2 * Math.PI);

    /// <summary>The probability of a statistic of at least <paramref name="statistic"/> when both samples are of one distribution.</summary>
    public static double Tail(double statistic, int left, int right)
    {
        var divisor = Gcd(left, right);
        var least = (double)left / divisor * right;
        var steps = Math.Round(statistic * least);
        if (steps <= 0)
        {
            return 1;
        }

        if (left == right)
        {
            return EqualSizes(left, (long)steps);
        }

        return Math.Max(left, right) <= MaxExact && (long)left * right <= MaxCell
            ? Paths(Math.Max(left, right), Math.Min(left, right), divisor, steps)
            : OneSample(Math.Round((double)left * right / ((double)left + right)), statistic);
    }

    // Reflection: paths that leave the band of half width h at least once, by inclusion and exclusion from the rarest term on.
    private static double EqualSizes(int n, long h)
    {
        var p = 0d;
        for (var k = n / h; k > 0; k--)
        {
            // C(2n, n - kh) / C(2n, n)
            p = Math.Exp((2 * LogFactorial(n)) - LogFactorial(n - (k * h)) - LogFactorial(n + (k * h))) - p;
        }

        return Math.Clamp(2 * p, 0, 1);
    }

    // The chance to have been outside by (i, j), as the mean of those of its two predecessors weighted by how paths arrive.
    private static double Paths(int m, int n, int divisor, double h)
    {
        var (stepM, stepN) = ((double)(m / divisor), (double)(n / divisor));
        var column = new double[n + 1];
        var high = (int)Math.Min(Math.Ceiling(h / stepM) - 1, n);
        Array.Fill(column, 1, high + 1, n - high);
        for (var i = 1; i <= m; i++)
        {
            var first = (int)Math.Max(0, Math.Floor(((stepN * i) - h) / stepM) + 1);
            var last = (int)Math.Min(n, Math.Ceiling(((stepN * i) + h) / stepM) - 1);
            if (last < first)
            {
                return 1;
            }

            var below = first == 0 ? 0d : 1d;
            for (var j = first; j <= last; j++)
            {
                below = ((column[j] * i) + (below * j)) / ((double)i + j);
                column[j] = below;
            }

        }

        return column[n];
    }

    /// <summary>The tail of the two-sided statistic of one sample of <paramref name="n"/> values, which two large samples tend to.</summary>
    private static double OneSample(double n, double d)
    {
        if (d >= 1)
        {
            return 0;
        }

        return n * d * d >= Straight ? Math.Min(1, 2 * OneSided(n, d)) : Math.Clamp(1 - PelzGood(n, d), 0, 1);
    }

    // Smirnov's sum: all terms are positive.
    private static double OneSided(double n, double d)
    {
        var (sum, total) = (0d, LogFactorial(n));
        for (var j = Math.Floor(n * (1 - d)); j >= 0; j--)
        {
            var rest = Math.Max(0, 1 - d - (j / n));
            sum += Math.Exp(total - LogFactorial(j) - LogFactorial(n - j) + ((j - 1) * Math.Log(d + (j / n))) + ((n - j) * Math.Log(rest)));
        }

        return d * sum;
    }

    // Pelz and Good (1976): Kolmogorov's limit and three corrections in powers of the square root of n.
    private static double PelzGood(double n, double d)
    {
        var z = Math.Sqrt(n) * d;
        var (z2, pi2) = (z * z, Math.PI * Math.PI);
        var (z4, z6, pi4) = (z2 * z2, z2 * z2 * z2, pi2 * pi2);
        var (k0, k1, k2, k3) = (0d, 0d, 0d, 0d);
        for (var k = (int)Math.Ceiling(16 * z / Math.PI) + 1; k > 0; k--)
        {
            var o2 = Math.Pow((2 * k) - 1, 2);
            var q = Math.Exp(-pi2 * o2 / (8 * z2));
            k0 += q;
            k1 += q * ((pi2 / 4 * o2) - z2);
            k2 += q * ((6 * z6) + (2 * z4) + (pi2 / 4 * ((2 * z4) - (5 * z2)) * o2) + (pi4 / 16 * (1 - (2 * z2)) * o2 * o2));
            k3 += q * ((-30 * z6) - (90 * z4 * z4) + (pi2 / 4 * ((135 * z4) - (96 * z6)) * o2) + (pi4 / 16 * ((212 * z4) - (60 * z2)) * o2 * o2)
                + (pi4 * pi2 / 64 * (5 - (30 * z2)) * o2 * o2 * o2));
            var even = Math.Exp(-pi2 * k * k / (2 * z2)) * k * k * pi2;
            // Scaled by what the sums are divided by below.
            k2 -= even / (36 * z2 * z) * 72 * z6 * z;
            k3 += even * ((3 * z2) - (pi2 * k * k)) / (216 * z6) * 6480 * z6 * z4;
        }

        return Root2Pi * ((k0 / z) + (k1 / (6 * z4 * Math.Sqrt(n))) + (k2 / (72 * z6 * z * n)) + (k3 / (6480 * z6 * z4 * n * Math.Sqrt(n))));
    }

    private static double LogFactorial(double n) => Distributions.LogGamma(n + 1);

    private static int Gcd(int a, int b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }

        return a;
    }
}
