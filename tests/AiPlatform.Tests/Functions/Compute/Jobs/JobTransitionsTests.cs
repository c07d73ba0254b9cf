using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Tests.Functions.Compute.Jobs;

public sealed class JobTransitionsTests
{
    private static readonly JobStatus[] All = Enum.GetValues<JobStatus>();

    [Fact]
    public void Nothing_follows_a_final_state_and_every_other_state_can_be_cancelled_and_can_fail()
    {
        foreach (var from in All)
        {
            if (JobTransitions.IsFinal(from))
            {
                Assert.DoesNotContain(All, to => JobTransitions.IsAllowed(from, to));
                continue;
            }

            Assert.True(JobTransitions.IsAllowed(from, JobStatus.Failed));
            Assert.True(JobTransitions.IsAllowed(from, JobStatus.Cancelled));
            Assert.Equal(from != JobStatus.Cancelling, JobTransitions.IsAllowed(from, JobStatus.Cancelling));
            Assert.False(JobTransitions.IsAllowed(from, from));
        }
    }

    [Fact]
    public void A_job_succeeds_only_after_it_ran()
        => Assert.Equal([JobStatus.Running, JobStatus.Cancelling], All.Where(from => JobTransitions.IsAllowed(from, JobStatus.Succeeded)));

    [Fact]
    public void A_refused_step_names_both_states()
    {
        var exception = Assert.Throws<ApiException>(() => JobTransitions.Require(JobStatus.Succeeded, JobStatus.Running));
        Assert.Equal(ErrorCodes.IllegalTransition, exception.Code);
        Assert.Equal(["job", "succeeded", "running"], exception.Arguments);
        JobTransitions.Require(JobStatus.Queued, JobStatus.Running);
    }

    [Fact]
    public void A_run_that_has_begun_stays_running_between_attempts()
    {
        Assert.Equal(RunStatus.Scheduled, JobTransitions.RunStatus(JobStatus.Queued, hasStarted: false));
        Assert.Equal(RunStatus.Running, JobTransitions.RunStatus(JobStatus.Retrying, hasStarted: true));
        Assert.Equal(RunStatus.Finished, JobTransitions.RunStatus(JobStatus.Succeeded, hasStarted: true));
        Assert.Equal(RunStatus.Failed, JobTransitions.RunStatus(JobStatus.Failed, hasStarted: false));
        Assert.Equal(RunStatus.Killed, JobTransitions.RunStatus(JobStatus.Cancelled, hasStarted: true));
    }
}
