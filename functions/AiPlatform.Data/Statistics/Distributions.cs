namespace AiPlatform.Data.Statistics;

/// <summary>Tails of distributions: how likely a statistic is when nothing has changed.</summary>
public static class Distributions
{
    private const int MaxSteps = 10_000;
    private const double Tiny = 1e-300;
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
        9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The probability that a chi-square variable exceeds <paramref name="statistic"/>.</summary>
    public static double ChiSquareTail(double statistic, int freedom)
        => freedom <= 0 ? 1 : statistic <= 0 ? 1 : UpperGamma(freedom / 2d, statistic / 2);

    /// <summary>
    /// The exact probability of a two-sided Kolmogorov–Smirnov statistic of at least <paramref name="statistic"/> between samples of
    /// these sizes, by counting lattice paths; the work is their product.
    /// </summary>
    public static double KolmogorovSmirnovTail(double statistic, int left, int right)
    {
        var (m, n) = (Math.Min(left, right), Math.Max(left, right));
        double product = (double)m * n;
        var limit = (0.5 + Math.Floor((statistic * product) - 1e-7)) / product;
        var paths = new double[n + 1];
        for (var j = 0; j <= n; j++)
        {
            paths[j] = (double)j / n > limit ? 0 : 1;
        }

        for (var i = 1; i <= m; i++)
        {
            var weight = (double)i / (i + n);
            var at = (double)i / m;
            paths[0] = at > limit ? 0 : weight * paths[0];
            for (var j = 1; j <= n; j++)
            {
                paths[j] = Math.Abs(at - ((double)j / n)) > limit ? 0 : (weight * paths[j]) + paths[j - 1];
            }
        }

        return Math.Clamp(1 - paths[n], 0, 1);
    }

    /// <summary>The regularised upper incomplete gamma function Q(a, x).</summary>
    internal static double UpperGamma(double a, double x)
    {
        var scale = Math.Exp((a * Math.Log(x)) - x - LogGamma(a));
        if (x < a + 1)
        {
            var (term, sum) = (1 / a, 1 / a);
            for (var n = 1; n < MaxSteps && Math.Abs(term) > Math.Abs(sum) * 1e-16; n++)
            {
                term *= x / (a + n);
                sum += term;
            }

            return Math.Clamp(1 - (sum * scale), 0, 1);
        }

        var b = x + 1 - a;
        var c = 1 / Tiny;
        var d = 1 / b;
        var fraction = d;
        for (var i = 1; i < MaxSteps; i++)
        {
            var an = -i * (i - a);
            b += 2;
            d = 1 / NotZero((an * d) + b);
            c = NotZero(b + (an / c));
            fraction *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-15)
            {
                break;
            }
        }

        return Math.Clamp(fraction * scale, 0, 1);
    }

    private static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;

    private static double LogGamma(double x)
    {
        if (x < 0.5)
        {
            return Math.Log(Math.PI / Math.Abs(Math.Sin(Math.PI * x))) - LogGamma(1 - x);
        }

        x--;
        var sum = Lanczos[0];
        for (var i = 1; i < Lanczos.Length; i++)
        {
            sum += Lanczos[i] / (x + i);
        }

        var t = x + Lanczos.Length - 1.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x + 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }
}
