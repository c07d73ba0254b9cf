using System.Collections;
using System.Globalization;
using System.Resources;

namespace AiPlatform.Data.Reports;

/// <summary>The words of reports, in English and Chinese side by side.</summary>
internal sealed class ReportTexts(bool chinese)
{
    private static readonly ResourceManager English = new("AiPlatform.Data.Resources.Report", typeof(ReportTexts).Assembly);
    private static readonly ResourceManager Chinese = new("AiPlatform.Data.Resources.Report.zh-CN", typeof(ReportTexts).Assembly);

    /// <summary>The text of a key.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public string this[string key] => (chinese ? Chinese : English).GetString(key, CultureInfo.InvariantCulture) ?? throw new KeyNotFoundException(key);

    /// <summary>The text of a key with its values.</summary>
    public string Format(string key, params object?[] values) => string.Format(CultureInfo.InvariantCulture, this[key], values);

    /// <summary>All keys of one language.</summary>
    public static IReadOnlySet<string> Keys(bool chinese)
        => (chinese ? Chinese : English).GetResourceSet(CultureInfo.InvariantCulture, createIfNotExists: true, tryParents: true)!
            .Cast<DictionaryEntry>().Select(static entry => (string)entry.Key).ToHashSet(StringComparer.Ordinal);
}
