using AiPlatform.Client;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training.Models;

namespace AiPlatform.Orchestrations.Training.Activities;

/// <summary>Ends an attempt in the API: frees its reservation and stops what still runs.</summary>
public sealed class EndAttempt(AiPlatformClient api) : PlatformActivity<EndAttemptInput, object?>
{
    /// <inheritdoc />
    protected override async Task<object?> CallAsync(EndAttemptInput input)
    {
        await api.EndAttemptAsync(input.JobId, input.Attempt, new EndAttemptRequest(input.Status, input.Reason), CancellationToken.None);
        return null;
    }
}
