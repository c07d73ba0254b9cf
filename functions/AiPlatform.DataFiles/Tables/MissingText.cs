namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// The one definition of a missing value in text without types (CSV, TSV, lines): nothing but blanks, or one of the marks that
/// spreadsheets, R and pandas write. Statistics, filters, comparisons and expectations all use it.
/// </summary>
public static class MissingText
{
    /// <summary>The marks besides the empty text; they are compared exactly, without blanks around them.</summary>
    public static IReadOnlyList<string> Marks { get; } = ["NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "Null", "None", "#N/A", "<NA>"];

    /// <summary>Whether a text stands for no value.</summary>
    public static bool Is(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        return text.Length switch
        {
            0 => true,
            > 4 => false,
            _ => text is "NA" or "N/A" or "n/a" or "NaN" or "nan" or "null" or "NULL" or "Null" or "None" or "#N/A" or "<NA>",
        };
    }
}
