using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Quality;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Quality.Models;

namespace AiPlatform.Orchestrations.Quality.Activities;

/// <summary>Puts together what the steps found, judges it, and ends the report.</summary>
internal sealed class AssembleQuality(AiPlatformClient api, TimeProvider time) : PlatformActivity<AssembleStep, bool>
{
    /// <inheritdoc />
    protected override async Task<bool> CallAsync(AssembleStep input)
    {
        var report = await api.GetQualityReportAsync(input.ReportId, CancellationToken.None);
        if (report.Status == QualityReportStatus.Succeeded)
        {
            // A repeat after the answer was lost: the parts are gone, the report is there.
            return true;
        }

        var work = await api.BeginQualityReportAsync(input.ReportId, CancellationToken.None);
        var parts = new List<QualityPart>();
        for (var part = 0; part < input.Parts; part++)
        {
            parts.Add(await api.GetQualityPartAsync<QualityPart>(input.ReportId, part, CancellationToken.None));
        }

        var baseline = await api.GetQualityBaselineAsync<List<TableSketch>>(input.ReportId, CancellationToken.None);
        var subject = new QualitySubject(
            report.Dataset, report.Version, time.GetUtcNow(), work.FileCount, work.TotalSize, work.DuplicateImages, report.BaselineVersion);
        var document = QualityAssembler.Assemble(subject, parts, QualityPlanReader.Parse(work.Plan), baseline);
        var sketches = parts.SelectMany(static part => part.Sketches).ToList();
        await api.CompleteQualityReportAsync(
            input.ReportId,
            new CompleteQualityReportRequest(
                document.Score, document.Passed, document.Blocked, JsonSerializer.SerializeToElement(document, ContractsJson.Strict),
                JsonSerializer.SerializeToElement(sketches, ContractsJson.Strict)),
            CancellationToken.None);
        return true;
    }
}
