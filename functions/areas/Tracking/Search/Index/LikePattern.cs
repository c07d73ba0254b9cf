using System.Text;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>A pattern of LIKE and ILIKE as PostgreSQL reads it without an escape: <c>%</c> is any text, <c>_</c> one character.</summary>
internal sealed class LikePattern(string pattern, bool ignoresCase)
{
    private readonly Rune[] _pattern = [.. pattern.EnumerateRunes().Select(rune => ignoresCase ? Rune.ToLowerInvariant(rune) : rune)];

    /// <summary>Whether the whole text matches.</summary>
    public bool Matches(string text)
    {
        // The last % may always take more: nothing before it has to be tried again.
        var (at, next, star, retry) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            var rune = Rune.GetRuneAt(text, at);
            if (next < _pattern.Length && _pattern[next].Value == '%')
            {
                (star, retry) = (++next, at);
            }
            else if (next < _pattern.Length && (_pattern[next].Value == '_' || _pattern[next] == (ignoresCase ? Rune.ToLowerInvariant(rune) : rune)))
            {
                next++;
                at += rune.Utf16SequenceLength;
            }
            else if (star >= 0)
            {
                retry += Rune.GetRuneAt(text, retry).Utf16SequenceLength;
                (at, next) = (retry, star);
            }
            else
            {
                return false;
            }
        }

        return _pattern.AsSpan(next).IndexOfAnyExcept(new Rune('%')) < 0;
    }
}
