using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Compute.Jobs;

/// <summary>A rank of an attempt of a job, as a path names it: whether there is such a rank is not said.</summary>
internal sealed record JobRank(JobRow Job, int Attempt, int Rank)
{
    /// <summary>The rank itself, when the caller may write its log: there is such a rank, and a job writes that of its own attempt.</summary>
    /// <exception cref="ApiException">400 naming the part of the path.</exception>
    public JobRank RequireWritable(Caller caller)
    {
        Check.That(caller.Role != CallerRole.Job || caller.Attempt == Attempt, "attempt", "otherAttempt", caller.Attempt);
        Check.Range(Attempt, "attempt", 1, Math.Max(Job.Attempt, 1));
        Check.Range(Rank, "rank", 0, Job.Nodes * Job.ReadSpec().Resources.ProcessesPerNode - 1);
        return this;
    }
}
