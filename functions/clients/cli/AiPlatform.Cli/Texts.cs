using System.Globalization;
using System.Resources;

namespace AiPlatform.Cli;

/// <summary>The texts of the command line, in the user's language: <c>AIP_LANG</c>, else that of the system.</summary>
internal static class Texts
{
    private static readonly ResourceManager English = new("AiPlatform.Cli.Resources.Texts", typeof(Texts).Assembly);
    private static readonly ResourceManager Chinese = new("AiPlatform.Cli.Resources.Texts.zh-CN", typeof(Texts).Assembly);

    /// <summary>Whether the user reads Chinese.</summary>
    public static bool IsChinese { get; } = (Environment.GetEnvironmentVariable("AIP_LANG") ?? CultureInfo.CurrentUICulture.Name).StartsWith("zh", StringComparison.OrdinalIgnoreCase);

    /// <summary>For what others have texts for: the parser of arguments and its help.</summary>
    public static CultureInfo Culture => CultureInfo.GetCultureInfo(IsChinese ? "zh-Hans" : "en");

    /// <summary>A text with its placeholders filled in.</summary>
    public static string Get(string key, params object?[] arguments)
        => string.Format(CultureInfo.CurrentCulture, (IsChinese ? Chinese : English).GetString(key, CultureInfo.InvariantCulture) ?? key, arguments);

    /// <summary>A number with its noun, in the singular where the language has one: keys <c>{key}.one</c> and <c>{key}.other</c>.</summary>
    public static string Count(string key, long count) => Get(count == 1 ? $"{key}.one" : $"{key}.other", count);

    /// <summary>A word of the API in the language of the user; the word itself where there is none for it.</summary>
    public static string Named(string group, string word)
        => (IsChinese ? Chinese : English).GetString($"{group}.{word}", CultureInfo.InvariantCulture) ?? word;

    /// <summary>All keys of one language, for the test that compares them.</summary>
    public static IReadOnlySet<string> Keys(bool chinese)
        => (chinese ? Chinese : English).GetResourceSet(CultureInfo.InvariantCulture, createIfNotExists: true, tryParents: true)!
            .Cast<System.Collections.DictionaryEntry>().Select(static entry => (string)entry.Key).ToHashSet(StringComparer.Ordinal);
}
