using System.Buffers;
using System.Text;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// Decides whether a path may name a file inside a dataset version or a run's artifacts: relative, slash-separated,
/// equal to its own normal form, and harmless when joined to a directory or put into a URL.
/// </summary>
internal static class RelativePath
{
    /// <summary>Most bytes of a path in UTF-8: a blob name holds 1,024 characters, prefix included.</summary>
    public const int MaxBytes = 800;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\\"<>|?*:%");

    /// <summary>
    /// Null when the path is fine, else the reason in a few words. A percent sign is refused whole: whoever decodes
    /// the path once more (<c>%2e%2e%2f</c>) must not come out of the directory.
    /// </summary>
    public static string? Problem(string path)
    {
        if (path.Length == 0)
        {
            return "it is empty";
        }

        if (Encoding.UTF8.GetByteCount(path) > MaxBytes)
        {
            return $"it is longer than {MaxBytes} bytes";
        }

        if (path[0] == '/')
        {
            return "it is absolute";
        }

        if (path.AsSpan().IndexOfAny(Forbidden) >= 0)
        {
            return "it contains one of \\ \" < > | ? * : %";
        }

        foreach (var rune in path.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.Format)
            {
                return "it contains a control or invalid character";
            }
        }

        foreach (var segment in path.Split('/'))
        {
            if (segment.Length == 0)
            {
                return "it has an empty segment";
            }

            if (segment is "." or ".." || segment[^1] is '.' or ' ' || segment[0] == ' ')
            {
                return "it has a segment that is '.' or '..', starts or ends with a space, or ends with a dot";
            }
        }

        return path.IsNormalized(NormalizationForm.FormC) ? null : "it is not in Unicode normal form C";
    }
}
