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
        var (dataset, version) = (Parts.Dataset(), Parts.Version());
        var from = new Option<int?>("--from") { Description = Texts.Get("option.from") };
        var command = new Command("diff", Texts.Get("diff")) { dataset, version, from };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var table = Parts.TitledTable(1, "change", "old", "new", "path");
            DatasetDiff diff;
            string? token = null;
            do
            {
                diff = await context.Api.DiffDatasetVersionAsync(
                    context.Project, parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version), parsed.GetValue(from), PageSize, token, cancellationToken);
                foreach (var change in diff.Items)
                {
                    table.AddRow(
                        new Text(change.Kind.ToString()), Cell(change.OldSize), Cell(change.NewSize), Parts.Cell(change.OldPath is null ? change.Path : $"{change.OldPath} → {change.Path}"));
                }

                token = diff.NextPageToken;
            }
            while (token is not null);

            console.Write(table);
            var summary = diff.Summary;
            console.WriteLine(Texts.Get("diff.summary", summary.Added, summary.Removed, summary.Changed, summary.Renamed, summary.Unchanged));
            return 0;
        });
        return command;
    }

    private static Text Cell(long? size) => new(size is { } bytes ? Parts.Size(bytes) : string.Empty);
}
