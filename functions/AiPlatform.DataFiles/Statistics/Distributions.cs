namespace AiPlatform.DataFiles.Statistics;

/// <summary>Tails of distributions: how likely a statistic is when nothing has changed.</summary>
public static class Distributions
{
    private const int MaxSteps = 100_000;
    private const double Tiny = 1e-300;
    private const double Stirling = 12;
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
        9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The probability that a chi-square variable exceeds <paramref name="statistic"/>.</summary>
    public static double ChiSquareTail(double statistic, int freedom)
        => freedom <= 0 ? 1 : statistic <= 0 ? 1 : UpperGamma(freedom / 2d, statistic / 2);

    /// <summary>
    /// The probability of a two-sided Kolmogorov–Smirnov statistic of at least <paramref name="statistic"/> between samples of these
    /// sizes: exact up to 10,000 values on the larger side and for equal sizes, beyond by the limit with its corrections.
    /// </summary>
    public static double KolmogorovSmirnovTail(double statistic, int left, int right) => KolmogorovSmirnov.Tail(statistic, left, right);

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

    /// <summary>The logarithm of the gamma function; by Stirling's series where that is the more exact one.</summary>
    internal static double LogGamma(double x)
    {
        if (x < 0.5)
        {
            return Math.Log(Math.PI / Math.Abs(Math.Sin(Math.PI * x))) - LogGamma(1 - x);
        }

        if (x >= Stirling)
        {
            var inverse = 1 / (x * x);
            return ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI))
                + ((1 / 12d - (inverse * (1 / 360d - (inverse * (1 / 1260d - (inverse * (1 / 1680d - (inverse / 1188)))))))) / x);
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
