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

    /// <summary>An empty table with these columns; names are keys of the texts.</summary>
    public static Table Table(params string[] columns) => new Table().AddColumns([.. columns.Select(static column => new TableColumn(Texts.Get($"column.{column}")))]);

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
