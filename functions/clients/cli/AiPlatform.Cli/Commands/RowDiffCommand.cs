using System.CommandLine;
using System.Globalization;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset diff-rows</c>.</summary>
internal static class RowDiffCommand
{
    private const int DefaultRows = 20;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version, json) = (Parts.Dataset(), Parts.Version(), Parts.Json());
        var key = new Option<string[]>("--key", "-k") { Description = Texts.Get("option.key"), Required = true };
        var from = new Option<int?>("--from") { Description = Texts.Get("option.from") };
        var file = new Option<string?>("--file") { Description = Texts.Get("option.file") };
        var rows = new Option<int>("--rows") { Description = Texts.Get("option.diffRows"), DefaultValueFactory = static _ => DefaultRows };
        var command = new Command("diff-rows", Texts.Get("diffRows")) { dataset, version, key, from, file, rows, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var (name, number) = (parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version));
            var other = parsed.GetValue(from) ?? await Parts.EarlierAsync(context, name, number, cancellationToken);
            var diff = await context.Api.DiffDatasetRowsAsync(
                context.Project, name, number, other, string.Join(',', parsed.GetRequiredValue(key)), parsed.GetValue(file), rows: parsed.GetValue(rows), cancellationToken: cancellationToken);
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, diff);
                return ExitCodes.Success;
            }

            Show(console, diff);
            Parts.Say(console, Texts.Get("diffRows.summary", diff.Added, diff.Removed, diff.Changed, diff.Unchanged, other));
            if (diff.DuplicateKeys > 0)
            {
                Parts.Say(console, Texts.Get("diffRows.duplicates", diff.DuplicateKeys));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void Show(IAnsiConsole console, DatasetRowDiff diff)
    {
        var listing = Listing.Titled(3, "change", "key", "column", "old", "new");
        foreach (var (kind, rows) in new[] { ("diffRows.added", diff.AddedRows), ("diffRows.removed", diff.RemovedRows), ("diffRows.changed", diff.ChangedRows) })
        {
            foreach (var row in rows)
            {
                foreach (var (i, cell) in row.Cells.Index())
                {
                    listing.Add(i == 0 ? Texts.Get(kind) : null, i == 0 ? string.Join(", ", row.Key.Select(Value)) : null, cell.Column, Value(cell.Before), Value(cell.Now));
                }
            }
        }

        listing.Write(console);
    }

    private static string Value(object? value) => Convert.ToString(value, CultureInfo.CurrentCulture) ?? string.Empty;
}
