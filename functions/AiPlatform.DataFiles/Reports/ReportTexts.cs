using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text.Json;
using AiPlatform.Wording;

namespace AiPlatform.DataFiles.Reports;

/// <summary>The words of reports, in English and Chinese side by side.</summary>
internal sealed class ReportTexts(bool chinese)
{
    private static readonly ResourceManager English = new("AiPlatform.DataFiles.Resources.Report", typeof(ReportTexts).Assembly);
    private static readonly ResourceManager Chinese = new("AiPlatform.DataFiles.Resources.Report.zh-CN", typeof(ReportTexts).Assembly);

    private static readonly Dictionary<string, string> Problems = Keys(chinese: false).Where(static key => key.StartsWith("problem.", StringComparison.Ordinal))
        .ToDictionary(static key => English.GetString(key, CultureInfo.InvariantCulture)!, StringComparer.Ordinal);

    /// <summary>The text of a key.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public string this[string key] => Find(key) ?? throw new KeyNotFoundException(key);

    /// <summary>The text of a key with its values.</summary>
    public string Format(string key, params object?[] values)
        => new WordFormat((kind, value) => kind == "said" ? Find($"data.{value}") : Find($"word.{JsonNamingPolicy.CamelCase.ConvertName(value)}")).Format(this[key], values);

    /// <summary>A word of reports, such as the name of a type.</summary>
    public string Word(object value) => Find($"word.{JsonNamingPolicy.CamelCase.ConvertName($"{value}")}") ?? $"{value}";

    /// <summary>Why an expectation cannot be judged; what is known in English is told in the language of the report.</summary>
    public string? Problem(string? problem) => problem is not null && Problems.TryGetValue(problem, out var key) ? this[key] : problem;

    /// <summary>What is wrong with a file, without its line.</summary>
    public string Issue(DataIssue issue) => Find($"data.{issue.Code}") ?? issue.Message;

    /// <summary>All keys of one language.</summary>
    public static IReadOnlySet<string> Keys(bool chinese)
        => (chinese ? Chinese : English).GetResourceSet(CultureInfo.InvariantCulture, createIfNotExists: true, tryParents: true)!
            .Cast<DictionaryEntry>().Select(static entry => (string)entry.Key).ToHashSet(StringComparer.Ordinal);

    private string? Find(string key) => (chinese ? Chinese : English).GetString(key, CultureInfo.InvariantCulture);
}
