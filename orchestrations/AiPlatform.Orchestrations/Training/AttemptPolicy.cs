using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Orchestrations.Training;

/// <summary>Which attempt follows which, and when.</summary>
internal static class AttemptPolicy
{
    /// <summary>A lost machine is not the job's fault: it does not count against the job's attempts, but not without end.</summary>
    public const int MaxLosses = 10;

    private const double LossDelaySeconds = 1;

    /// <summary>The input of the next attempt; null when there is none.</summary>
    public static TrainingJobInput? Next(TrainingJobInput current, JobRetry retry, AttemptStatus ended)
    {
        var next = ended == AttemptStatus.Lost
            ? current with { Attempt = current.Attempt + 1, Losses = current.Losses + 1 }
            : current with { Attempt = current.Attempt + 1, Failures = current.Failures + 1 };
        return next.Failures < retry.MaxAttempts && next.Losses <= MaxLosses ? next : null;
    }

    /// <summary>How long to wait before <paramref name="next"/> begins.</summary>
    public static TimeSpan Delay(TrainingJobInput next, JobRetry retry, AttemptStatus ended)
    {
        if (ended == AttemptStatus.Lost)
        {
            return TimeSpan.FromSeconds(LossDelaySeconds);
        }

        var seconds = retry.FirstDelaySeconds * Math.Pow(retry.BackoffCoefficient, next.Failures - 1);
        return TimeSpan.FromSeconds(Math.Clamp(seconds, 0.1, Math.Max(retry.MaxDelaySeconds, 0.1)));
    }
}
