using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Runs;

/// <summary>The steps of a run that its owner drives. A run of a job follows the job and takes no step by itself.</summary>
internal static class RunTransitions
{
    /// <summary>Whether nothing follows.</summary>
    public static bool IsFinal(RunStatus status) => status is RunStatus.Finished or RunStatus.Failed or RunStatus.Killed;

    /// <summary>Passes when the step is allowed.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c> naming both states.</exception>
    public static void Require(RunRow run, RunStatus to)
    {
        var allowed = run.JobId is null && run.Status switch
        {
            RunStatus.Scheduled => to is RunStatus.Running or RunStatus.Killed or RunStatus.Failed,
            RunStatus.Running => IsFinal(to),
            RunStatus.Finished or RunStatus.Failed or RunStatus.Killed => false,
            _ => throw new ArgumentOutOfRangeException(nameof(run), run.Status, "Unknown status."),
        };
        if (!allowed)
        {
            throw ApiException.IllegalTransition("run", run.Status.ToText(), to.ToText());
        }
    }
}
