using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace AiPlatform.DataFiles.Pii;

/// <summary>
/// Finds personal data in text by structure: every candidate is held against what its kind demands (check digits, dates, ranges),
/// so that plain numbers are not taken for it. One pass, no regular expressions: it reads hundreds of megabytes a second.
/// </summary>
public static class PiiScanner
{
    private const int MaxText = 20_000;
    private const string Punctuation = " -().";
    private static readonly SearchValues<char> Anchors = SearchValues.Create("@:0123456789+(");
    private static readonly SearchValues<char> Ipv6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>Finds what a text holds, in its first 20,000 characters.</summary>
    /// <param name="text">The text.</param>
    /// <param name="matches">Takes what is found, in order; it is cleared first.</param>
    public static void Scan(ReadOnlySpan<char> text, List<PiiMatch> matches)
    {
        matches.Clear();
        text = text[..Math.Min(text.Length, MaxText)];
        var (at, free) = (0, 0);
        while (at < text.Length)
        {
            var stop = text[at..].IndexOfAny(Anchors);
            if (stop < 0)
            {
                return;
            }

            at += stop;
            var match = text[at] switch
            {
                '@' => Email(text, at, free),
                ':' => Ipv6(text, at, free),
                _ => Ipv4(text, at) ?? Ipv6(text, at, free) ?? Number(text, at),
            };
            if (match is { } found)
            {
                matches.Add(found);
                at = free = found.Start + found.Length;
            }
            else
            {
                // A run of digits is one candidate, not one for each of its digits.
                at = char.IsAsciiDigit(text[at]) ? EndOfDigits(text, at) : at + 1;
            }
        }
    }

    /// <summary>The text with everything that was found in it masked.</summary>
    public static string MaskAll(string text)
    {
        var matches = new List<PiiMatch>();
        Scan(text, matches);
        for (var i = matches.Count - 1; i >= 0; i--)
        {
            text = string.Concat(text.AsSpan(0, matches[i].Start), Mask(text, matches[i]), text.AsSpan(matches[i].Start + matches[i].Length));
        }

        return text;
    }

    /// <summary>The found text with all but its ends hidden.</summary>
    public static string Mask(ReadOnlySpan<char> text, PiiMatch match)
    {
        var found = text.Slice(match.Start, match.Length);
        var shown = match.Length > 8 ? 2 : 1;
        return $"{found[..shown]}{new string('*', match.Length - (2 * shown))}{found[^shown..]}";
    }

    private static int EndOfDigits(ReadOnlySpan<char> text, int at)
    {
        var rest = text[at..].IndexOfAnyExceptInRange('0', '9');
        return rest < 0 ? text.Length : at + rest;
    }

    private static PiiMatch? Email(ReadOnlySpan<char> text, int at, int free)
    {
        var start = at;
        while (start > free && at - start < 64 && IsLocal(text[start - 1]))
        {
            start--;
        }

        while (start < at && text[start] is '.' or '-' or '\'')
        {
            start++;
        }

        var (end, label, dots, letters) = (at + 1, at + 1, 0, 0);
        for (; end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '-' or '.'); end++)
        {
            if (text[end] != '.')
            {
                letters = char.IsAsciiLetter(text[end]) ? letters + 1 : 0;
                continue;
            }

            if (end == label || end + 1 == text.Length || !char.IsAsciiLetterOrDigit(text[end + 1]))
            {
                break;
            }

            dots++;
            (label, letters) = (end + 1, 0);
        }

        return start < at && text[at - 1] != '.' && dots > 0 && letters >= 2 && letters == end - label && !text[start..at].Contains("..", StringComparison.Ordinal)
            ? new PiiMatch(PiiKind.Email, start, end - start)
            : null;
    }

    private static bool IsLocal(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '%' or '+' or '-' or '\'';

    private static PiiMatch? Ipv4(ReadOnlySpan<char> text, int at)
    {
        if (!char.IsAsciiDigit(text[at]) || IsJoined(text, at - 1))
        {
            return null;
        }

        var (end, parts) = (at, 0);
        while (parts < 4)
        {
            var stop = EndOfDigits(text, end);
            if (stop == end || stop - end > 3 || (stop - end > 1 && text[end] == '0') || int.Parse(text[end..stop]) > 255)
            {
                return null;
            }

            end = stop;
            if (++parts < 4)
            {
                if (end == text.Length || text[end] != '.')
                {
                    return null;
                }

                end++;
            }
        }

        // A fifth part, or a letter, makes it something else: a version, a section.
        var follows = end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || (text[end] == '.' && end + 1 < text.Length && char.IsAsciiDigit(text[end + 1])));
        return follows ? null : new PiiMatch(PiiKind.Ipv4, at, end - at);
    }

    private static PiiMatch? Ipv6(ReadOnlySpan<char> text, int at, int free)
    {
        var start = at;
        while (start > free && at - start < 45 && Ipv6Characters.Contains(text[start - 1]))
        {
            start--;
        }

        var rest = text[at..].IndexOfAnyExcept(Ipv6Characters);
        var end = rest < 0 ? text.Length : at + rest;
        while (end > at && text[end - 1] == '.')
        {
            end--;
        }

        var candidate = text[start..end];
        return candidate.Length is >= 6 and <= 45 && candidate.Count(':') >= 2 && !IsJoined(text, start - 1) && !(end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
            && candidate.ContainsAnyInRange('0', '9') && (candidate.Contains("::", StringComparison.Ordinal) || candidate.Count(':') == 7)
            && IPAddress.TryParse(candidate, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            ? new PiiMatch(PiiKind.Ipv6, start, end - start)
            : null;
    }

    // Digits, possibly grouped: an identity number, a card, a mobile, a telephone number.
    private static PiiMatch? Number(ReadOnlySpan<char> text, int at)
    {
        if (IsJoined(text, at - 1) || (at > 0 && text[at - 1] is '-' or '/' && at > 1 && char.IsAsciiLetterOrDigit(text[at - 2])))
        {
            return null;
        }

        Span<char> digits = stackalloc char[20];
        var (count, end, groups, plus, parenthesis) = (0, at, 0, text[at] == '+', text[at] == '(');
        var i = plus || parenthesis ? at + 1 : at;
        while (i < text.Length && count < digits.Length)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                groups += i == at || !char.IsAsciiDigit(text[i - 1]) ? 1 : 0;
                digits[count++] = text[i++];
                end = i;
            }
            else if (count > 0 && Punctuation.Contains(text[i], StringComparison.Ordinal) && Continues(text, i))
            {
                i++;
            }
            else
            {
                break;
            }
        }

        if (count == 17 && end < text.Length && text[end] is 'X' or 'x' && groups == 1)
        {
            digits[count++] = 'X';
            end++;
        }

        if (count == 0 || (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')))
        {
            return null;
        }

        var number = digits[..count];
        PiiKind? kind = groups == 1 && !plus && NumberRules.IsChineseId(number) ? PiiKind.ChineseId
            : NumberRules.IsChineseMobile(number, plus) && char.IsAsciiDigit(text[at + 1]) ? PiiKind.ChineseMobile
            : !plus && groups is 1 or 3 or 4 or 5 && NumberRules.IsCard(number) ? PiiKind.Card
            : NumberRules.IsPhone(number, plus, groups, text[at..end]) ? PiiKind.Phone
            : null;
        return kind is { } known ? new PiiMatch(known, at, end - at) : null;
    }

    // Whether a separator stands inside of a number: one or two of them, then a digit.
    private static bool Continues(ReadOnlySpan<char> text, int at)
        => at + 1 < text.Length && (char.IsAsciiDigit(text[at + 1])
            || (text[at] != text[at + 1] && Punctuation.Contains(text[at + 1], StringComparison.Ordinal) && at + 2 < text.Length && char.IsAsciiDigit(text[at + 2])));

    // Whether the character before a candidate belongs to it: a letter, a digit, a decimal point.
    private static bool IsJoined(ReadOnlySpan<char> text, int before)
        => before >= 0 && (char.IsAsciiLetterOrDigit(text[before]) || text[before] == '_' || (text[before] is '.' or ',' && before > 0 && char.IsAsciiDigit(text[before - 1])));
}
