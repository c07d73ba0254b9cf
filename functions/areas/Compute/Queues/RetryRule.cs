using AiPlatform.Contracts.Queues;

namespace AiPlatform.Compute.Queues;

/// <summary>Whether and when a failed attempt is followed by another. Pure.</summary>
internal static class RetryRule
{
    /// <summary>The kind of error that no default repeats: the task itself is wrong.</summary>
    public const string Invalid = "invalid";

    /// <summary>The delay before the next attempt; null when the task has failed for good.</summary>
    /// <param name="retry">The task's rule.</param>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="errorKind">Why.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan? NextDelay(TaskRetry retry, int attempt, string errorKind, double random)
    {
        if (attempt >= retry.MaxAttempts || !IsRepeated(retry, errorKind))
        {
            return null;
        }

        // The power may be infinite; the cap makes it finite again.
        var seconds = Math.Min(retry.MaxDelaySeconds, retry.FirstDelaySeconds * Math.Pow(retry.BackoffCoefficient, attempt - 1));
        return TimeSpan.FromSeconds(seconds * (1 - (retry.Jitter * random)));
    }

    /// <summary>Whether the rule repeats errors of this kind.</summary>
    public static bool IsRepeated(TaskRetry retry, string errorKind)
        => retry.RetryOn is null ? errorKind != Invalid : retry.RetryOn.Any(pattern => Matches(pattern, errorKind));

    private static bool Matches(string pattern, string errorKind)
        => pattern.EndsWith('*') ? errorKind.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == errorKind;
}
