using AiPlatform.Client;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training.Models;

namespace AiPlatform.Orchestrations.Training.Activities;

/// <summary>Asks the API for the whole gang's place in the pool.</summary>
public sealed class AdmitAttempt(AiPlatformClient api) : PlatformActivity<AdmitAttemptInput, JobAdmission>
{
    /// <inheritdoc />
    protected override Task<JobAdmission> CallAsync(AdmitAttemptInput input)
        => api.AdmitAttemptAsync(input.JobId, new AdmitAttemptRequest(input.Attempt), CancellationToken.None);
}
