using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training.Activities;
using AiPlatform.Orchestrations.Training.Models;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Training;

/// <summary>The activities of a training job, with their names and retry policy in one place.</summary>
internal sealed class TrainingJobSteps(TaskOrchestrationContext context, string jobId)
{
    // The API or the broker may be away for a long time (an upgrade, a restore); a job outlives that.
    private static readonly TaskOptions Patient = RetrySchedule.Of(
        attempts: 120, first: TimeSpan.FromMilliseconds(500), coefficient: 1.5, longest: TimeSpan.FromSeconds(30), LastingFailure.MayPass);

    public Task<JobAdmission> AdmitAsync(int attempt)
        => context.CallActivityAsync<JobAdmission>(nameof(AdmitAttempt), new AdmitAttemptInput(jobId, attempt), Patient);

    /// <summary>Sends the nodes' messages and returns what the job runs.</summary>
    public Task<JobSpec> DispatchAsync(JobAdmission admission)
        => context.CallActivityAsync<JobSpec>(nameof(DispatchNodes), new DispatchNodesInput(jobId, admission), Patient);

    public Task EndAttemptAsync(int attempt, AttemptStatus status, string? reason)
        => context.CallActivityAsync(nameof(EndAttempt), new EndAttemptInput(jobId, attempt, status, reason), Patient);

    public Task SetStatusAsync(JobStatus status, string? reason)
        => context.CallActivityAsync(nameof(SetJobStatus), new SetJobStatusInput(jobId, status, reason), Patient);

    public Task RegisterModelAsync() => context.CallActivityAsync(nameof(RegisterModel), jobId, Patient);

    /// <summary>Sets the final status and returns it as the orchestration's output.</summary>
    public async Task<JobStatus?> EndAsync(JobStatus status, string? reason)
    {
        await SetStatusAsync(status, reason);
        return status;
    }
}
