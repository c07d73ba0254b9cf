using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary>Arguments, options and spellings that several commands share.</summary>
internal static class Parts
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    public static Argument<string> Dataset() => new("dataset") { Description = Texts.Get("argument.dataset") };

    public static Argument<int> Version() => new("version") { Description = Texts.Get("argument.version") };

    public static Option<string?> Description() => new("--description", "-d") { Description = Texts.Get("option.description") };

    public static Option<string[]> Tags() => new("--tag", "-t") { Description = Texts.Get("option.tag"), DefaultValueFactory = static _ => [] };

    public static Option<int?> Parent() => new("--parent") { Description = Texts.Get("option.parent") };

    public static Option<string[]> Remove() => new("--remove") { Description = Texts.Get("option.remove"), DefaultValueFactory = static _ => [] };

    public static Option<string?> Into() => new("--into") { Description = Texts.Get("option.into") };

    /// <summary>An empty table with these columns; names are keys of the texts. Only the last <paramref name="flexible"/> of them are folded where lines are short.</summary>
    public static Table TitledTable(int flexible, params string[] columns) => Table(flexible, columns.Select(static column => Texts.Get($"column.{column}")));

    /// <summary>An empty table with these titles as they are, without lines around its cells, so that a pipe gets what a terminal shows.</summary>
    public static Table Table(int flexible, IEnumerable<string> titles)
    {
        var all = titles.ToList();
        var table = new Table().Border(TableBorder.None);
        foreach (var (i, title) in all.Index())
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))) { Padding = new Padding(0, 0, 2, 0), NoWrap = i < all.Count - flexible });
        }

        return table;
    }

    /// <summary>A cell with somebody's data: it commands no terminal.</summary>
    public static Text Cell(string? text) => new(Plain(text));

    /// <summary>The text without control characters.</summary>
    public static string Plain(string? text) => string.Concat((text ?? string.Empty).Select(static letter => char.IsControl(letter) ? '\uFFFD' : letter));

    /// <summary>Tags of <c>key=value</c>; null when there are none.</summary>
    /// <exception cref="CliException">One is written otherwise.</exception>
    public static IReadOnlyDictionary<string, string>? ToTags(string[] texts)
        => texts.Length == 0
            ? null
            : texts.Select(static text => text.Split('=', 2)).ToDictionary(
                static pair => pair[0], static pair => pair.Length == 2 ? pair[1] : throw new CliException(Texts.Get("error.tag")), StringComparer.Ordinal);

    /// <summary>Bytes as people read them.</summary>
    public static string Size(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        while (value >= 1_000 && unit < Units.Length - 1)
        {
            value /= 1_000;
            unit++;
        }

        return string.Create(CultureInfo.CurrentCulture, $"{value:0.#} {Units[unit]}");
    }
}
