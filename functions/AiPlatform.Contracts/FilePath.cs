using System.Globalization;
using System.Text;

namespace AiPlatform.Contracts;

/// <summary>
/// The one rule for names of files: in dataset versions, artifacts, media, task packages and code. A path is relative, its segments are
/// separated by slashes, and it is kept in Unicode normal form C; letters of different case are different. Every other character that
/// a file on Linux can be named with may stand in it, as long as nobody who decodes or joins it comes out somewhere else.
/// </summary>
public static class FilePath
{
    /// <summary>Most bytes of a path in UTF-8: a blob name holds 1,024 characters, prefix included.</summary>
    public const int MaxBytes = 800;

    private const int MaxDecodings = 4;

    /// <summary>The path as it is kept: letters with accents as one character, whichever way macOS or a keyboard wrote them.</summary>
    /// <returns>The path itself where it is not valid Unicode, which <see cref="Problem"/> refuses.</returns>
    public static string Normal(string path) => HasLoneSurrogate(path) ? path : path.Normalize(NormalizationForm.FormC);

    /// <summary>Null when the path is fine, else the reason in a few English words.</summary>
    public static string? Problem(string path)
    {
        if (path.Length == 0)
        {
            return "it is empty";
        }

        if (HasLoneSurrogate(path))
        {
            return "it contains a control or invalid character";
        }

        path = Normal(path);
        if (Encoding.UTF8.GetByteCount(path) > MaxBytes)
        {
            return $"it is longer than {MaxBytes} bytes";
        }

        return OfText(path) ?? OfDecoded(path);
    }

    private static string? OfText(string path)
    {
        if (path[0] == '/' || (path.Length > 2 && path[1] == ':' && path[2] == '/' && char.IsAsciiLetter(path[0])))
        {
            return "it is absolute";
        }

        if (path.Contains('\\', StringComparison.Ordinal))
        {
            return "it contains a backslash";
        }

        foreach (var rune in path.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar
                || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
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

            if (!segment.AsSpan().ContainsAnyExcept('.') || segment[0] == ' ' || segment[^1] == ' ')
            {
                return "it has a segment of dots only, or one that starts or ends with a space";
            }
        }

        return null;
    }

    // Whoever decodes the path once more (%2e%2e%2f), or twice, must be where everybody else is.
    private static string? OfDecoded(string path)
    {
        var slashes = path.Count(static c => c == '/');
        for (var i = 0; i < MaxDecodings && path.Contains('%', StringComparison.Ordinal); i++)
        {
            var decoded = Uri.UnescapeDataString(path);
            if (decoded == path)
            {
                return null;
            }

            if (decoded.Count(static c => c == '/') != slashes || OfText(decoded) is not null)
            {
                return "it means another place once its percent signs are decoded";
            }

            path = decoded;
        }

        return null;
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !(i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) && i++ >= 0))
            {
                return true;
            }
        }

        return false;
    }
}
