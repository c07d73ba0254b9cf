using System.Buffers;
using System.Globalization;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Cells of every CSV file that the platform writes. A text that a spreadsheet would take for a formula gets an apostrophe in front,
/// so that opening a file runs nothing that somebody wrote into a tag; numbers stay as they are.
/// </summary>
public static class CsvText
{
    private static readonly SearchValues<char> Special = SearchValues.Create("\",\r\n\t");

    // What begins a formula, also in the full-width forms that spreadsheets of East Asia take for it.
    private static readonly SearchValues<char> Formula = SearchValues.Create("=+-@\t\r\n|＝＋－＠");

    /// <summary>The cell as it stands in the file.</summary>
    /// <param name="text">What it says.</param>
    /// <param name="keepFormulas">Whether formulas stay as they are.</param>
    public static string Cell(string text, bool keepFormulas) => Quote(keepFormulas || !IsFormula(text) ? text : $"'{text}");

    private static bool IsFormula(string text)
    {
        // Blanks before it do not keep a spreadsheet from looking.
        var rest = text.AsSpan().TrimStart(' ');
        return rest.Length > 0 && Formula.Contains(rest[0])
            && !double.TryParse(rest, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out _);
    }

    private static string Quote(string text) => text.AsSpan().ContainsAny(Special) ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
