using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Texts;

/// <summary>
/// Sentences that are written in English where they arise (orchestrations, runners, workers, readers of files) and kept so, and are told in
/// the caller's language. A sentence that is known is under <c>said.*</c> of the error texts, in both languages; what is not known, such as
/// the message of somebody's own code, stays as it is.
/// </summary>
public static partial class Sentences
{
    private const string Prefix = "said.";
    private const int MaxLength = 4_000;

    private static readonly ConditionalWeakTable<TextSet, IReadOnlyList<Sentence>> Known = [];

    /// <summary>A known sentence in English, to be kept.</summary>
    /// <param name="key">Its key, without <c>said.</c></param>
    public static string English(string key, params object?[] values) => ErrorCatalog.Message(Prefix + key, chinese: false, values);

    /// <summary>The key of a sentence, without <c>said.</c>; null when it is not known.</summary>
    public static string? KeyOf(string? text) => Find(text)?.Sentence.Key[Prefix.Length..];

    /// <summary>A text in the language of the request.</summary>
    public static string? Told(string? text) => text is null ? null : Told(text, RequestLanguage.IsChinese);

    /// <summary>A text in a language.</summary>
    public static string Told(string text, bool chinese)
    {
        if (!chinese || Find(text) is not var (sentence, match))
        {
            return text;
        }

        return ErrorCatalog.Message(sentence.Key, chinese: true, [.. Enumerable.Range(0, sentence.Values).Select(index => (object?)match.Groups[$"v{index}"].Value)]);
    }

    private static (Sentence Sentence, Match Match)? Find(string? text)
    {
        if (text is { Length: > 0 and <= MaxLength })
        {
            foreach (var sentence in Known.GetValue(TextCatalog.Current, ReadAll))
            {
                if (sentence.Pattern.Match(text) is { Success: true } match)
                {
                    return (sentence, match);
                }
            }
        }

        return null;
    }

    private static IReadOnlyList<Sentence> ReadAll(TextSet texts)
        => [.. texts.Of(chinese: false).Where(static text => text.Key.StartsWith(Prefix, StringComparison.Ordinal)).Select(static text => Read(text.Key, text.Value)).OrderByDescending(static sentence => sentence.Fixed)];

    private static Sentence Read(string key, string text)
    {
        var parts = Placeholder().Split(text);
        var names = Placeholder().Matches(text).Select(static match => match.Groups["index"].Value).ToList();
        var pattern = string.Concat(parts.Where(static (_, index) => index % 2 == 0).Select((part, index) => Regex.Escape(part) + (index < names.Count ? $"(?<v{names[index]}>.+?)" : string.Empty)));
        // It is a text of others that is matched: in time that grows with its length and no faster.
        return new Sentence(key, new Regex($@"\A{pattern}\z", RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant), names.Count, parts.Where(static (_, index) => index % 2 == 0).Sum(static part => part.Length));
    }

    [GeneratedRegex(@"\{(?<index>\d)(:[a-z]+)?\}", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex Placeholder();

    // The more of a sentence is fixed, the earlier it is tried: one that is all placeholder would take every text.
    private sealed record Sentence(string Key, Regex Pattern, int Values, int Fixed);
}
