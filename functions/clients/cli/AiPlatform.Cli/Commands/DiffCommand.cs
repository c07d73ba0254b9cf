using System.CommandLine;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset diff</c>.</summary>
internal static class DiffCommand
{
    private const int PageSize = 500;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version, json) = (Parts.Dataset(), Parts.Version(), Parts.Json());
        var from = new Option<int?>("--from") { Description = Texts.Get("option.from") };
        var command = new Command("diff", Texts.Get("diff")) { dataset, version, from, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var (name, number) = (parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version));
            var other = parsed.GetValue(from) ?? await Parts.EarlierAsync(context, name, number, cancellationToken);
            var changes = new List<FileChange>();
            DatasetDiff diff;
            string? token = null;
            do
            {
                diff = await context.Api.DiffDatasetVersionAsync(
                    context.Project, name, number, other, PageSize, token, cancellationToken);
                changes.AddRange(diff.Items);
                token = diff.NextPageToken;
            }
            while (token is not null);

            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, diff with { Items = changes });
                return ExitCodes.Success;
            }

            var listing = Listing.Titled(1, "change", "old", "new", "path");
            changes.ForEach(change => listing.Add(
                Texts.Named("change", change.Kind.ToString()), Cell(change.OldSize), Cell(change.NewSize), change.OldPath is null ? change.Path : $"{change.OldPath} → {change.Path}"));
            listing.Write(console);
            var summary = diff.Summary;
            Parts.Say(console, Texts.Get("diff.summary", summary.Added, summary.Removed, summary.Changed, summary.Renamed, summary.Unchanged));
            return ExitCodes.Success;
        });
        return command;
    }

    private static string Cell(long? size) => size is { } bytes ? Parts.Size(bytes) : string.Empty;
}
