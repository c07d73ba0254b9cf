namespace AiPlatform.Tracking.Metrics;

/// <summary>One point on its way into the log.</summary>
/// <param name="At">Microseconds since 1970.</param>
internal readonly record struct MetricRow(string Key, long Step, long At, double Value)
{
    /// <summary>What the keys of readings of the machine begin with. They belong to no step of the training: no attempt supersedes them.</summary>
    public const string SystemPrefix = "system/";

    /// <summary>Whether the key is of a reading of the machine.</summary>
    public static bool IsSystem(string key) => key.StartsWith(SystemPrefix, StringComparison.Ordinal);

    /// <summary>Microseconds since 1970.</summary>
    public static long Microseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The time of so many microseconds since 1970.</summary>
    public static DateTimeOffset Time(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
