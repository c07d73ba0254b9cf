namespace AiPlatform.Functions.Features.Experiments.Metrics;

/// <summary>One point on its way into the log.</summary>
/// <param name="At">Microseconds since 1970.</param>
internal readonly record struct MetricRow(string Key, long Step, long At, double Value)
{
    /// <summary>Microseconds since 1970.</summary>
    public static long Microseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The time of so many microseconds since 1970.</summary>
    public static DateTimeOffset Time(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
