using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset import</c>: starts an import and follows it; Ctrl-C leaves it running.</summary>
internal static partial class ImportCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, description, tags, parent, remove, into) = (Parts.Dataset(), Parts.Description(), Parts.Tags(), Parts.Parent(), Parts.Remove(), Parts.Into());
        var url = new Option<string?>("--from-url") { Description = Texts.Get("option.sourceUrl") };
        var sha256 = new Option<string?>("--sha256") { Description = Texts.Get("option.sha256") };
        var expand = new Option<bool>("--expand") { Description = Texts.Get("option.expand") };
        var container = new Option<string?>("--from-container") { Description = Texts.Get("option.container") };
        var prefix = new Option<string?>("--prefix") { Description = Texts.Get("option.prefix") };
        var archive = new Option<string?>("--from-archive") { Description = Texts.Get("option.archive") };
        var command = new Command("import", Texts.Get("import")) { dataset, url, sha256, expand, container, prefix, archive, parent, remove, into, description, tags };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var (name, removed) = (parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(remove));
            if (new[] { parsed.GetValue(url), parsed.GetValue(container), parsed.GetValue(archive) }.Count(static source => source is not null) != 1)
            {
                throw new CliException(Texts.Get("import.source"));
            }

            var request = new CreateDatasetImportRequest(
                parsed.GetValue(url) is { } source ? new ImportUrl(source, parsed.GetValue(sha256)) : null,
                parsed.GetValue(container) is { } place
                    ? new ImportContainer(IsUrl(place) ? place : null, IsUrl(place) ? null : place, parsed.GetValue(prefix))
                    : null,
                parsed.GetValue(archive) is { } text ? ParseArchive(text) : null,
                parsed.GetValue(expand),
                parsed.GetValue(into),
                parsed.GetValue(parent),
                removed.Length == 0 ? null : removed,
                parsed.GetValue(description),
                Parts.ToTags(parsed.GetRequiredValue(tags)));
            var submission = await context.Api.ImportDatasetAsync(context.Project, name, request, cancellationToken);
            var import = await TransferBar.RunAsync(common.Errors, bar => FollowAsync(context, name, submission.Import, bar, cancellationToken));
            if (import.Status != DatasetImportStatus.Succeeded)
            {
                throw new CliException(import.Status == DatasetImportStatus.Cancelled ? Texts.Get("import.cancelled") : Texts.Get("import.failed", import.Reason));
            }

            UploadCommand.Show(console, await context.Api.GetDatasetVersionAsync(context.Project, name, import.Version!.Value, cancellationToken));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<DatasetImport> FollowAsync(CliContext context, string dataset, DatasetImport import, TransferBar bar, CancellationToken cancellationToken)
    {
        while (import.EndedAt is null)
        {
            bar.Set(Texts.Get("import.running"), import.DoneBytes, import.TotalBytes ?? Math.Max(import.DoneBytes, 1));
            await Task.Delay(Interval, cancellationToken);
            import = await context.Api.GetDatasetImportAsync(context.Project, dataset, import.Id, cancellationToken);
        }

        return import;
    }

    private static bool IsUrl(string text) => text.Contains("://", StringComparison.Ordinal);

    private static ImportArchive ParseArchive(string text)
        => ArchiveForm().Match(text) is { Success: true } match
            ? new ImportArchive(match.Groups["dataset"].Value, int.Parse(match.Groups["version"].Value, CultureInfo.InvariantCulture), match.Groups["path"].Value)
            : throw new CliException(Texts.Get("import.archiveForm"));

    [GeneratedRegex("^(?<dataset>[^@/]+)@(?<version>[0-9]{1,9})/(?<path>.+)$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex ArchiveForm();
}
