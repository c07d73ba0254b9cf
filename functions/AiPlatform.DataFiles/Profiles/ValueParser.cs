using System.Globalization;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Reads values out of text that has no types.</summary>
internal static class ValueParser
{
    private static readonly string[] Dates = ["yyyy-MM-dd", "yyyy/MM/dd", "yyyy/M/d", "yyyyMMdd", "yyyy年M月d日"];

    /// <summary>Whether a text of an untyped file stands for no value.</summary>
    public static bool IsMissing(ReadOnlySpan<char> text) => MissingText.Is(text);

    /// <summary>A whole number. Leading zeros make it a text: a postal code, an account.</summary>
    public static bool TryInteger(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        var digits = text is ['-' or '+', ..] ? text[1..] : text;
        return digits.Length is > 0 and <= 19 && char.IsAsciiDigit(digits[0]) && !(digits.Length > 1 && digits[0] == '0')
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>A finite number.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        if (text.Length is 0 or > 40 || !(char.IsAsciiDigit(text[0]) || text[0] is '-' or '+' or '.') || (text.Length > 1 && text[0] == '0' && char.IsAsciiDigit(text[1])))
        {
            return false;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    /// <summary>True or false.</summary>
    public static bool TryBoolean(ReadOnlySpan<char> text, out bool value)
    {
        value = text.Equals("true", StringComparison.OrdinalIgnoreCase) || text.Equals("yes", StringComparison.OrdinalIgnoreCase);
        return value || text.Equals("false", StringComparison.OrdinalIgnoreCase) || text.Equals("no", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A day or a point in time.</summary>
    public static bool TryTime(ReadOnlySpan<char> text, out long ticks, out bool isDate)
    {
        (ticks, isDate) = (0, false);
        if (text.Length is < 8 or > 40 || !char.IsAsciiDigit(text[0]))
        {
            return false;
        }

        // A single value with the year last is a date where nothing but one order makes it one; columns decide from all of their values.
        if (DateOrderTally.TryRead(text, out var dayFirst, out var monthFirst))
        {
            (ticks, isDate) = ((dayFirst ?? monthFirst)!.Value.Ticks, dayFirst is null || monthFirst is null || dayFirst == monthFirst);
            return isDate;
        }

        if (text.Length <= 11 && DateTime.TryParseExact(text, Dates, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
        {
            (ticks, isDate) = (date.Ticks, true);
            return true;
        }

        if (text.Length >= 14 && text.Contains(':')
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            ticks = time.UtcTicks;
            return true;
        }

        return false;
    }
}
