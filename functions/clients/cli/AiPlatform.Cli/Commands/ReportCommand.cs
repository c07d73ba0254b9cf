using System.CommandLine;
using AiPlatform.Contracts.Quality;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset report</c>: makes a quality report, follows it, keeps it as a page on request, and ends with its verdict.</summary>
internal static class ReportCommand
{
    private const int Percent = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version, json) = (Parts.Dataset(), Parts.Version(), Parts.Json());
        var baseline = new Option<int?>("--baseline") { Description = Texts.Get("option.baseline") };
        var page = new Option<string?>("--html") { Description = Texts.Get("option.html") };
        var command = new Command("report", Texts.Get("report")) { dataset, version, baseline, page, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var submission = await context.Api.CreateQualityReportAsync(
                context.Project, parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version), new CreateQualityReportRequest(BaselineVersion: parsed.GetValue(baseline)),
                cancellationToken);
            var report = await TransferBar.RunStepsAsync(common.Errors, bar => FollowAsync(context, submission.Report, bar, cancellationToken));
            if (report.Status != QualityReportStatus.Succeeded)
            {
                throw new CliException(Texts.Get("report.failed", report.Reason ?? report.Status.ToString()));
            }

            if (parsed.GetValue(page) is { } file)
            {
                await using var source = await context.Api.OpenQualityPageAsync(report.Id, cancellationToken);
                await using var written = File.Create(file);
                await source.CopyToAsync(written, cancellationToken);
            }

            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, report);
            }
            else
            {
                console.Profile.Out.Writer.WriteLine(await context.Api.GetQualityTextAsync(report.Id, cancellationToken));
                Parts.Say(console, Texts.Get(report.Blocked == true ? "report.blocked" : report.Passed == true ? "report.passed" : "report.missed", report.Score));
            }

            return report.Blocked == true ? ExitCodes.Blocked : report.Passed == true ? ExitCodes.Success : ExitCodes.BadVerdict;
        });
        return command;
    }

    private static async Task<QualityReport> FollowAsync(CliContext context, QualityReport report, TransferBar bar, CancellationToken cancellationToken)
    {
        while (report.EndedAt is null)
        {
            bar.Set(Texts.Get("report.running"), (long)(report.Progress * Percent), Percent);
            await Task.Delay(Interval, cancellationToken);
            report = await context.Api.GetQualityReportAsync(report.Id, cancellationToken);
        }

        return report;
    }
}
