namespace AiPlatform.DataFiles.Statistics;

/// <summary>Quantiles of sorted values.</summary>
internal static class Quantiles
{
    /// <summary>The quantile by linear interpolation between neighbours, as NumPy's default; NaN for no values.</summary>
    public static double Of(ReadOnlySpan<double> sorted, double q)
    {
        if (sorted.Length == 0)
        {
            return double.NaN;
        }

        var at = q * (sorted.Length - 1);
        var low = (int)Math.Floor(at);
        return low + 1 >= sorted.Length ? sorted[^1] : sorted[low] + ((at - low) * (sorted[low + 1] - sorted[low]));
    }
}
