using System.CommandLine;
using System.Globalization;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset preview</c>.</summary>
internal static class PreviewCommand
{
    private const int DefaultRows = 20;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version) = (Parts.Dataset(), Parts.Version());
        var file = new Option<string?>("--file") { Description = Texts.Get("option.file") };
        var filter = new Option<string?>("--filter") { Description = Texts.Get("option.filter") };
        var random = new Option<bool>("--random") { Description = Texts.Get("option.random") };
        var rows = new Option<int>("--rows") { Description = Texts.Get("option.rows"), DefaultValueFactory = static _ => DefaultRows };
        var command = new Command("preview", Texts.Get("preview")) { dataset, version, file, filter, random, rows };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var preview = await context.Api.PreviewDatasetAsync(
                context.Project, parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version), parsed.GetValue(file),
                parsed.GetValue(random) ? PreviewMode.Random : PreviewMode.First, parsed.GetValue(filter), parsed.GetValue(rows), cancellationToken);
            var table = new Table().AddColumns([.. preview.Columns.Select(static column => new TableColumn(new Text(column.Name)))]);
            foreach (var row in preview.Rows)
            {
                table.AddRow([.. row.Values.Select(static value => new Text(Convert.ToString(value, CultureInfo.CurrentCulture) ?? string.Empty))]);
            }

            console.WriteLine(preview.File);
            console.Write(table);
            foreach (var problem in preview.Problems)
            {
                console.WriteLine(problem.Message);
            }

            return 0;
        });
        return command;
    }
}
