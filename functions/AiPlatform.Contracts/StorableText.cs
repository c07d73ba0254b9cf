using System.Text;

namespace AiPlatform.Contracts;

/// <summary>Text for people that came from anywhere: made such that it can be stored, instead of being refused.</summary>
public static class StorableText
{
    /// <summary>Without NUL and broken surrogate pairs, and no longer than allowed; a pair is never cut in half.</summary>
    /// <param name="text">From anywhere.</param>
    /// <param name="maxLength">UTF-16 code units.</param>
    public static string Of(string text, int maxLength)
    {
        var fits = text.Length <= maxLength;
        if (fits && !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && !text.Contains('\0', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(Math.Min(text.Length, maxLength));
        foreach (var rune in text.EnumerateRunes()) // A broken pair comes as the replacement character.
        {
            if (result.Length + rune.Utf16SequenceLength > maxLength)
            {
                break;
            }

            if (rune.Value != 0)
            {
                result.Append(rune.ToString());
            }
        }

        return result.ToString();
    }
}
