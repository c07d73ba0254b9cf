using AiPlatform.Client;
using AiPlatform.DataFiles.Tables;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Quality.Models;

namespace AiPlatform.Orchestrations.Quality.Activities;

/// <summary>Begins a report and says what there is to look into.</summary>
internal sealed class OutlineQuality(AiPlatformClient api, VersionFiles files) : PlatformActivity<string, QualityOutline>
{
    /// <inheritdoc />
    protected override async Task<QualityOutline> CallAsync(string input)
    {
        var work = await api.BeginQualityReportAsync(input, CancellationToken.None);
        var (tables, images) = (0, 0);
        await foreach (var file in files.ListAsync(work.Report, static format => format != FileFormat.Other, CancellationToken.None))
        {
            var isImage = FileFormats.Of(file.Path) == FileFormat.Image;
            images += isImage ? 1 : 0;
            tables += isImage ? 0 : 1;
        }

        return new QualityOutline(tables > 0, (images + VersionFiles.ImagesOfBatch - 1) / VersionFiles.ImagesOfBatch);
    }
}
