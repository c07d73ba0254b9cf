using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Jobs;

/// <summary>The one place that knows which step of a job's life may follow which.</summary>
internal static class JobTransitions
{
    /// <summary>The states in which nothing can happen to a job any more.</summary>
    public static bool IsFinal(JobStatus status) => status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;

    /// <summary>Whether the table has a step between two states. Staying in a state is no step.</summary>
    public static bool IsAllowed(JobStatus from, JobStatus to) => from switch
    {
        JobStatus.Pending => to is JobStatus.Waiting or JobStatus.Queued or JobStatus.Failed or JobStatus.Cancelling or JobStatus.Cancelled,
        JobStatus.Waiting => to is JobStatus.Queued or JobStatus.Failed or JobStatus.Cancelling or JobStatus.Cancelled,
        JobStatus.Queued => to is JobStatus.Running or JobStatus.Retrying or JobStatus.Failed or JobStatus.Cancelling or JobStatus.Cancelled,
        JobStatus.Running => to is JobStatus.Succeeded or JobStatus.Retrying or JobStatus.Failed or JobStatus.Cancelling or JobStatus.Cancelled,
        JobStatus.Retrying => to is JobStatus.Waiting or JobStatus.Queued or JobStatus.Failed or JobStatus.Cancelling or JobStatus.Cancelled,
        // The last rank may have ended before the command reached it.
        JobStatus.Cancelling => to is JobStatus.Cancelled or JobStatus.Failed or JobStatus.Succeeded,
        JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled => false,
        _ => throw new ArgumentOutOfRangeException(nameof(from), from, "Unknown status."),
    };

    /// <summary>Passes when the step is in the table.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c> naming both states.</exception>
    public static void Require(JobStatus from, JobStatus to)
    {
        if (!IsAllowed(from, to))
        {
            throw ApiException.IllegalTransition("job", from.ToText(), to.ToText());
        }
    }

    /// <summary>The state of a job's run: a run that has begun stays running between attempts.</summary>
    public static RunStatus RunStatus(JobStatus status, bool hasStarted) => status switch
    {
        JobStatus.Succeeded => Contracts.Experiments.RunStatus.Finished,
        JobStatus.Failed => Contracts.Experiments.RunStatus.Failed,
        JobStatus.Cancelled => Contracts.Experiments.RunStatus.Killed,
        JobStatus.Running => Contracts.Experiments.RunStatus.Running,
        _ => hasStarted ? Contracts.Experiments.RunStatus.Running : Contracts.Experiments.RunStatus.Scheduled,
    };
}
