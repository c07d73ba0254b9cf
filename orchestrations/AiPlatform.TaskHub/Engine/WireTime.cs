using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// Times of the protocol. A message can say seconds that are no time at all; what has been stored must be readable all the same, or one
/// instance keeps a whole task hub from starting.
/// </summary>
internal static class WireTime
{
    private const long MinSeconds = -62_135_596_800;
    private const long MaxSeconds = 253_402_300_799;
    private const int MaxNanos = 999_999_999;
    private const int NanosPerTick = 100;

    /// <summary>Whether it is a time.</summary>
    public static bool IsValid(Timestamp? time) => time is null || (time.Seconds is >= MinSeconds and <= MaxSeconds && time.Nanos is >= 0 and <= MaxNanos);

    /// <summary>The time; the nearest that there is where it is none, and the first where nothing is said.</summary>
    public static DateTime Of(Timestamp? time) => time is null ? DateTime.MinValue
        : DateTime.UnixEpoch.AddSeconds(Math.Clamp(time.Seconds, MinSeconds, MaxSeconds)).AddTicks(Math.Clamp(time.Nanos, 0, MaxNanos) / NanosPerTick);
}
