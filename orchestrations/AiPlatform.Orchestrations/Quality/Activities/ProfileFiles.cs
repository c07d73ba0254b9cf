using AiPlatform.Contracts.Quality;
using AiPlatform.Client;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Tables;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Quality.Models;

namespace AiPlatform.Orchestrations.Quality.Activities;

/// <summary>Looks into the tables of a version, or into some of its images. It tells how far it is, and ends when the report is not wanted any more.</summary>
internal sealed class ProfileFiles(AiPlatformClient api, VersionFiles files, DataEngine engine, TimeProvider time) : PlatformActivity<QualityStep, bool>
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    protected override async Task<bool> CallAsync(QualityStep input)
    {
        var work = await api.BeginQualityReportAsync(input.ReportId, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var told = time.GetTimestamp();

        async Task TellAsync(QualityProgress progress)
        {
            if (time.GetElapsedTime(told) < TellEvery)
            {
                return;
            }

            told = time.GetTimestamp();
            var share = Math.Min(1, progress.Bytes / Math.Max(1d, work.TotalSize));
            if (!(await api.ReportQualityProgressAsync(input.ReportId, new QualityProgressRequest(0.95 * (input.Part + share) / input.Parts), stop.Token)).Continue)
            {
                await stop.CancelAsync();
            }
        }

        try
        {
            var part = input.ImageBatch is { } batch
                ? await QualityProfiler.ProfileImagesAsync(files.ImagesAsync(work.Report, batch, stop.Token), TellAsync, stop.Token)
                : await QualityProfiler.ProfileTablesAsync(
                    engine, files.ListAsync(work.Report, static format => format.IsTable(), stop.Token), QualityPlanReader.Parse(work.Plan), TellAsync, stop.Token);
            await api.SetQualityPartAsync(input.ReportId, input.Part, part, CancellationToken.None);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }
}
