namespace AiPlatform.Bench.Platform;

/// <summary>Percentiles of measured times in milliseconds.</summary>
internal sealed record Percentiles(int Count, double P50, double P95, double P99, double Max)
{
    public static Percentiles Of(IEnumerable<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToArray();
        double At(double share) => sorted.Length == 0 ? double.NaN : Math.Round(sorted[(int)Math.Ceiling(share * sorted.Length) - 1], 2);
        return new Percentiles(sorted.Length, At(0.5), At(0.95), At(0.99), At(1));
    }
}
