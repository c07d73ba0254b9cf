using AiPlatform.Client;
using AiPlatform.Contracts.Quality;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Quality.Models;

namespace AiPlatform.Orchestrations.Quality.Activities;

/// <summary>Ends a report that could not be made.</summary>
internal sealed class FailQuality(AiPlatformClient api) : PlatformActivity<FailStep, bool>
{
    private const int MaxReason = 4000;

    /// <inheritdoc />
    protected override async Task<bool> CallAsync(FailStep input)
    {
        await api.FailQualityReportAsync(input.ReportId, new FailQualityReportRequest(input.Reason[..Math.Min(input.Reason.Length, MaxReason)]), CancellationToken.None);
        return false;
    }
}
