namespace AiPlatform.DurableTask;

/// <summary>How a failed activity or sub-orchestration is retried. The waits are durable timers.</summary>
public sealed class RetryPolicy
{
    /// <param name="maxNumberOfAttempts">Attempts in all, at least 1.</param>
    /// <param name="firstRetryInterval">The wait before the second attempt.</param>
    /// <param name="backoffCoefficient">Each further wait is longer by this factor, at least 1.</param>
    /// <param name="maxRetryInterval">The longest wait; one hour when null.</param>
    /// <param name="retryTimeout">No attempt starts later than this after the first; unlimited when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public RetryPolicy(
        int maxNumberOfAttempts,
        TimeSpan firstRetryInterval,
        double backoffCoefficient = 1.0,
        TimeSpan? maxRetryInterval = null,
        TimeSpan? retryTimeout = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNumberOfAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(firstRetryInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(backoffCoefficient, 1.0);
        MaxNumberOfAttempts = maxNumberOfAttempts;
        FirstRetryInterval = firstRetryInterval;
        BackoffCoefficient = backoffCoefficient;
        MaxRetryInterval = maxRetryInterval ?? TimeSpan.FromHours(1);
        RetryTimeout = retryTimeout ?? Timeout.InfiniteTimeSpan;
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRetryInterval, firstRetryInterval, nameof(maxRetryInterval));
    }

    /// <summary>Attempts in all.</summary>
    public int MaxNumberOfAttempts { get; }

    /// <summary>The wait before the second attempt.</summary>
    public TimeSpan FirstRetryInterval { get; }

    /// <summary>The factor between waits.</summary>
    public double BackoffCoefficient { get; }

    /// <summary>The longest wait.</summary>
    public TimeSpan MaxRetryInterval { get; }

    /// <summary>The time in which attempts may start; infinite when unlimited.</summary>
    public TimeSpan RetryTimeout { get; }

    /// <summary>Decides from the failure whether a retry makes sense; null retries every failure that is not marked final.</summary>
    public Func<TaskFailureDetails, bool>? HandleFailure { get; init; }

    /// <summary>The wait after the given attempt (1 is the first).</summary>
    internal TimeSpan DelayAfter(int attempt)
    {
        var milliseconds = FirstRetryInterval.TotalMilliseconds * Math.Pow(BackoffCoefficient, attempt - 1);
        return milliseconds >= MaxRetryInterval.TotalMilliseconds ? MaxRetryInterval : TimeSpan.FromMilliseconds(milliseconds);
    }
}

/// <summary>What a retry handler sees.</summary>
/// <param name="OrchestrationContext">The orchestration; the handler is replayed with it and must be deterministic.</param>
/// <param name="LastAttemptNumber">The attempt that failed, from 1.</param>
/// <param name="LastFailure">Its failure.</param>
/// <param name="TotalRetryTime">The time since the first attempt.</param>
/// <param name="CancellationToken">Reserved; never cancelled.</param>
public sealed record RetryContext(
    TaskOrchestrationContext OrchestrationContext,
    int LastAttemptNumber,
    TaskFailureDetails LastFailure,
    TimeSpan TotalRetryTime,
    CancellationToken CancellationToken);

/// <summary>True retries at once; false lets the failure through.</summary>
public delegate Task<bool> AsyncRetryHandler(RetryContext retryContext);

/// <summary>True retries at once; false lets the failure through.</summary>
public delegate bool RetryHandler(RetryContext retryContext);
