namespace AiPlatform.TaskHub.Engine;

/// <summary>How long work waits that comes back from a worker.</summary>
internal static class Redelivery
{
    private static readonly TimeSpan MaxAfterLoss = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxAfterAbandonment = TimeSpan.FromSeconds(2);

    /// <summary>The wait after so many workers in a row were lost.</summary>
    public static TimeSpan DelayAfter(int failures)
        => TimeSpan.FromMilliseconds(Math.Min(MaxAfterLoss.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(failures, 16))));

    /// <summary>The wait after workers gave it back. Another worker may want it at once: the wait stays short.</summary>
    public static TimeSpan DelayAfter(Abandonments abandonments)
        => TimeSpan.FromMilliseconds(Math.Min(MaxAfterAbandonment.TotalMilliseconds, DelayAfter(abandonments.Count).TotalMilliseconds));
}
