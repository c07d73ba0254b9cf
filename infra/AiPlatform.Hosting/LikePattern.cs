using System.Text;

namespace AiPlatform.Hosting;

/// <summary>
/// A pattern of SQL's LIKE and ILIKE: <c>%</c> is any text, <c>_</c> one character, be it two UTF-16 units. Takes time in proportion to text times
/// pattern at most.
/// </summary>
public sealed class LikePattern
{
    private const int AnyText = -1;
    private const int AnyCharacter = -2;

    private readonly int[] _parts;
    private readonly bool _ignoresCase;

    /// <param name="pattern">The pattern.</param>
    /// <param name="ignoresCase">ILIKE.</param>
    /// <param name="escape">What makes the next character of the pattern stand for itself; null for none.</param>
    /// <exception cref="FormatException">The pattern ends with its escape character.</exception>
    public LikePattern(string pattern, bool ignoresCase = false, char? escape = null)
    {
        _ignoresCase = ignoresCase;
        var parts = new List<int>(pattern.Length);
        var isEscaped = false;
        foreach (var rune in pattern.EnumerateRunes())
        {
            if (!isEscaped && rune.Value == escape)
            {
                isEscaped = true;
                continue;
            }

            parts.Add(isEscaped ? Folded(rune) : rune.Value switch { '%' => AnyText, '_' => AnyCharacter, _ => Folded(rune) });
            isEscaped = false;
        }

        _parts = isEscaped ? throw new FormatException("The pattern ends with its escape character.") : [.. parts];
    }

    /// <summary>Whether the whole text matches.</summary>
    public bool Matches(string text)
    {
        // The last % may always take more: nothing before it has to be tried again.
        var (at, next, star, retry) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            var (rune, length) = RuneAt(text, at);
            if (next < _parts.Length && _parts[next] == AnyText)
            {
                (star, retry) = (++next, at);
            }
            else if (next < _parts.Length && (_parts[next] == AnyCharacter || _parts[next] == Folded(rune)))
            {
                next++;
                at += length;
            }
            else if (star >= 0)
            {
                retry += RuneAt(text, retry).Length;
                (at, next) = (retry, star);
            }
            else
            {
                return false;
            }
        }

        return _parts.AsSpan(next).IndexOfAnyExcept(AnyText) < 0;
    }

    // A broken pair is one replacement character, as in the pattern.
    private static (Rune Rune, int Length) RuneAt(string text, int at)
    {
        Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
        return (rune, length);
    }

    private int Folded(Rune rune) => _ignoresCase ? Rune.ToLowerInvariant(rune).Value : rune.Value;
}
