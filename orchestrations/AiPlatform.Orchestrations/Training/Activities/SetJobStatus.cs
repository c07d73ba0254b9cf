using AiPlatform.Client;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training.Models;

namespace AiPlatform.Orchestrations.Training.Activities;

/// <summary>Moves the job along its transition table.</summary>
public sealed class SetJobStatus(AiPlatformClient api) : PlatformActivity<SetJobStatusInput, object?>
{
    /// <inheritdoc />
    protected override async Task<object?> CallAsync(SetJobStatusInput input)
    {
        await api.SetJobStatusAsync(input.JobId, new SetJobStatusRequest(input.Status, input.Reason), CancellationToken.None);
        return null;
    }
}
