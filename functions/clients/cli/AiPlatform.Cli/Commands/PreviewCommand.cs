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
        var (dataset, version, json) = (Parts.Dataset(), Parts.Version(), Parts.Json());
        var file = new Option<string?>("--file") { Description = Texts.Get("option.file") };
        var filter = new Option<string?>("--filter") { Description = Texts.Get("option.filter") };
        var random = new Option<bool>("--random") { Description = Texts.Get("option.random") };
        var rows = new Option<int>("--rows") { Description = Texts.Get("option.rows"), DefaultValueFactory = static _ => DefaultRows };
        var encoding = new Option<string?>("--encoding") { Description = Texts.Get("option.encoding") };
        var delimiter = new Option<string?>("--delimiter") { Description = Texts.Get("option.delimiter") };
        var header = new Option<bool?>("--header") { Description = Texts.Get("option.header") };
        var skip = new Option<int?>("--skip-lines") { Description = Texts.Get("option.skipLines") };
        var dates = new Option<string?>("--date-order") { Description = Texts.Get("option.dateOrder") };
        var command = new Command("preview", Texts.Get("preview")) { dataset, version, file, filter, random, rows, encoding, delimiter, header, skip, dates, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var preview = await context.Api.PreviewDatasetAsync(
                context.Project, parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version), parsed.GetValue(file),
                parsed.GetValue(random) ? PreviewMode.Random : PreviewMode.First, parsed.GetValue(filter), parsed.GetValue(rows),
                new FileReading(parsed.GetValue(encoding), parsed.GetValue(delimiter), null, parsed.GetValue(header), parsed.GetValue(skip), parsed.GetValue(dates)),
                cancellationToken);
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, preview);
                return ExitCodes.Success;
            }

            Parts.Say(console, preview.File);
            Show(console, [.. preview.Columns.Select(static column => Parts.Plain(column.Name))], [.. preview.Rows.Select(static row => row.Values.Select(Cell).ToArray())]);
            foreach (var problem in preview.Problems)
            {
                Parts.Say(console, problem.Line is { } line ? Texts.Get("preview.problem", line, problem.Message) : problem.Message);
            }

            WriteGuesses(preview.Dialect, console);
            return ExitCodes.Success;
        });
        return command;
    }

    // Rows as lines where they fit, else each as a block of its own: half a value in a narrow column is worse than a longer output.
    private static void Show(IAnsiConsole console, string[] columns, string[][] rows)
    {
        var all = new Listing(0, columns);
        Array.ForEach(rows, row => all.Add(row));
        if (all.Width <= console.Profile.Width)
        {
            all.Write(console);
            return;
        }

        foreach (var (number, row) in rows.Index())
        {
            var block = new Listing(1, [(number + 1).ToString(CultureInfo.CurrentCulture), string.Empty]);
            foreach (var (name, cell) in columns.Zip(row))
            {
                block.Add(name, cell);
            }

            block.Write(console);
        }
    }

    private static string Cell(object? value) => Parts.Plain(Convert.ToString(value, CultureInfo.CurrentCulture));

    // What was found out and not told, where it is not sure.
    private static void WriteGuesses(FileDialect? dialect, IAnsiConsole console)
    {
        if (dialect is null)
        {
            return;
        }

        WriteGuess("guess.encoding", dialect.Encoding, dialect.EncodingConfidence, console);
        if (dialect.Delimiter is { } delimiter)
        {
            WriteGuess("guess.delimiter", delimiter == "\t" ? "tab" : delimiter, dialect.DelimiterConfidence, console);
            WriteGuess("guess.header", Texts.Get(dialect.Header == true ? "guess.yes" : "guess.no"), dialect.HeaderConfidence, console);
        }

        foreach (var date in dialect.Dates)
        {
            WriteGuess("guess.dates", $"{date.Column}: {date.Order ?? Texts.Get("guess.ambiguous")}", date.Confidence, console);
        }
    }

    private static void WriteGuess(string text, string value, double confidence, IAnsiConsole console)
    {
        if (confidence < 1)
        {
            Parts.Say(console, Texts.Get(text, value, confidence));
        }
    }
}
