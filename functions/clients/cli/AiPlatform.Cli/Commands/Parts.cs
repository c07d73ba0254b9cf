using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using AiPlatform.Contracts;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary>Arguments, options and spellings that several commands share.</summary>
internal static class Parts
{
    private const int Unlimited = 100_000;
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    private static readonly JsonSerializerOptions JsonOptions = new(ContractsJson.Strict)
    {
        WriteIndented = true,

        // It is read by programs and people, not by browsers.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Argument<string> Dataset() => new("dataset") { Description = Texts.Get("argument.dataset") };

    public static Argument<int> Version() => new("version") { Description = Texts.Get("argument.version") };

    public static Argument<string> Task() => new("id") { Description = Texts.Get("argument.task") };

    public static Option<string?> Description() => new("--description", "-d") { Description = Texts.Get("option.description") };

    public static Option<string[]> Tags() => new("--tag", "-t") { Description = Texts.Get("option.tag"), DefaultValueFactory = static _ => [] };

    public static Option<int?> Parent() => new("--parent") { Description = Texts.Get("option.parent") };

    public static Option<string[]> Remove() => new("--remove") { Description = Texts.Get("option.remove"), DefaultValueFactory = static _ => [] };

    public static Option<bool> Json() => new("--json") { Description = Texts.Get("option.json") };

    public static Option<string?> Into() => new("--into") { Description = Texts.Get("option.into") };

    /// <summary>Prints one line as it is: the terminal breaks it where it has to, so that a URL stays whole.</summary>
    public static void Say(IAnsiConsole console, string text) => Say(console, text, Style.Plain);

    /// <summary>Prints one line as it is, in a style.</summary>
    public static void Say(IAnsiConsole console, string text, Style style) => Unfolded(console, () => console.WriteLine(text, style));

    /// <summary>Prints with lines of any length.</summary>
    public static void Unfolded(IAnsiConsole console, Action print)
    {
        var width = console.Profile.Width;
        console.Profile.Width = Unlimited;
        print();
        console.Profile.Width = width;
    }

    /// <summary>Prints an answer as JSON, in the names and formats of the HTTP API.</summary>
    public static void WriteJson<T>(IAnsiConsole console, T value) => console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(value, JsonOptions));

    /// <summary>Whether a text names an address.</summary>
    public static bool HasUrl(string text) => text.Contains("://", StringComparison.Ordinal);

    /// <summary>All items of a list that comes in pages.</summary>
    public static async Task<IReadOnlyList<T>> AllAsync<T>(Func<string?, Task<Page<T>>> read)
    {
        var items = new List<T>();
        string? token = null;
        do
        {
            var page = await read(token);
            items.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token is not null);

        return items;
    }

    /// <summary>What a version is compared with where nobody says it: the version that it was made from, else the one before.</summary>
    /// <exception cref="CliException">It is the first.</exception>
    public static async Task<int> EarlierAsync(CliContext context, string dataset, int version, CancellationToken cancellationToken)
        => (await context.Api.GetDatasetVersionAsync(context.Project, dataset, version, cancellationToken)).Parent is { } parent ? parent
            : version > 1 ? version - 1 : throw new CliException(Texts.Get("diff.first"));

    /// <summary>A time as people read it.</summary>
    public static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>The text without control characters.</summary>
    public static string Plain(string? text) => string.Concat((text ?? string.Empty).Select(static letter => char.IsControl(letter) ? '\uFFFD' : letter));

    /// <summary>The text without control characters other than ends of lines and tabs.</summary>
    public static string PlainLines(string text) => string.Concat(text.Select(static letter => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t') ? '\uFFFD' : letter));

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
