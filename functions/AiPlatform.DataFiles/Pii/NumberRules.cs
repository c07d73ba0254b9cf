using System.Globalization;

namespace AiPlatform.DataFiles.Pii;

/// <summary>What numbers of each kind must satisfy.</summary>
internal static class NumberRules
{
    private const string CheckDigits = "10X98765432";
    private static readonly int[] Weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

    // The first two digits of GB/T 2260: provinces, autonomous regions, municipalities, special administrative regions.
    private static readonly HashSet<int> Provinces =
        [11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91];

    /// <summary>A citizen identification number (GB 11643): region, birthday, sequence, ISO 7064 check digit.</summary>
    public static bool IsChineseId(ReadOnlySpan<char> number)
    {
        if (number.Length != 18 || !Provinces.Contains(int.Parse(number[..2])) || number[..17].ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < Weights.Length; i++)
        {
            sum += (number[i] - '0') * Weights[i];
        }

        return CheckDigits[sum % 11] == number[17]
            && DateTime.TryParseExact(number.Slice(6, 8), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var birthday)
            && birthday.Year >= 1900 && birthday <= DateTime.UtcNow.Date;
    }

    /// <summary>A mobile number of mainland China, with or without the country code.</summary>
    public static bool IsChineseMobile(ReadOnlySpan<char> number, bool plus)
    {
        var local = number.Length switch
        {
            11 when !plus => number,
            13 when number.StartsWith("86") => number[2..],
            15 when number.StartsWith("0086") && !plus => number[4..],
            _ => default,
        };
        return local.Length == 11 && local[0] == '1' && local[1] is >= '3' and <= '9';
    }

    /// <summary>
    /// A payment card: a scheme's prefix and length, and Luhn's check digit. Cards of 13 digits are long out of use: a number that is
    /// an article number (EAN-13) as well is one.
    /// </summary>
    public static bool IsCard(ReadOnlySpan<char> number)
    {
        if (number.Length is < 13 or > 19 || number.ContainsAnyExceptInRange('0', '9') || !IsScheme(number) || IsArticle(number))
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < number.Length; i++)
        {
            var digit = number[^(i + 1)] - '0';
            sum += i % 2 == 0 ? digit : digit > 4 ? (digit * 2) - 9 : digit * 2;
        }

        return sum % 10 == 0;
    }

    /// <summary>
    /// A telephone number: international with <c>+</c>, North American in three groups, or Chinese with an area code. A plain run of
    /// digits is none: too many other numbers look like it.
    /// </summary>
    public static bool IsPhone(ReadOnlySpan<char> number, bool plus, int groups, ReadOnlySpan<char> text)
    {
        if (plus)
        {
            return number.Length is >= 8 and <= 15 && number[0] != '0';
        }

        if (text.Contains('.') && (text.Contains('-') || text.Contains(' ')))
        {
            return false;
        }

        return groups switch
        {
            3 => number.Length == 10 && IsNorthAmerican(number, text),
            4 => number.Length == 11 && number[0] == '1' && IsNorthAmerican(number[1..], text[1..]),
            2 => number[0] == '0' && number.Length is 10 or 11 or 12 && text.Length - number.Length is 1 or 2 or 3 && text.IndexOfAny('-', ')') is 3 or 4 or 5,
            _ => false,
        };
    }

    // Area code and exchange begin with 2 to 9, and the groups are of three, three and four digits.
    private static bool IsNorthAmerican(ReadOnlySpan<char> number, ReadOnlySpan<char> text)
        => number[0] >= '2' && number[3] >= '2' && text.EndsWith(number[6..]) && !char.IsAsciiDigit(text[^5]) && text.IndexOf(number[3..6]) > 0;

    // GS1's check digit: weights 3 and 1 from the right.
    private static bool IsArticle(ReadOnlySpan<char> number)
    {
        if (number.Length is not 13)
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < number.Length; i++)
        {
            sum += (number[^(i + 1)] - '0') * (i % 2 == 0 ? 1 : 3);
        }

        return sum % 10 == 0;
    }

    private static bool IsScheme(ReadOnlySpan<char> number)
    {
        var (two, four) = (int.Parse(number[..2]), int.Parse(number[..4]));
        return number.Length switch
        {
            13 => number[0] == '4',
            14 => two is 36 or 38 || four is >= 3000 and <= 3059,
            15 => two is 34 or 37,
            16 => number[0] == '4' || two is >= 51 and <= 55 || four is >= 2221 and <= 2720 || four == 6011 || two is 65 or 62 || four is >= 3528 and <= 3589,
            17 or 18 => two == 62,
            19 => number[0] == '4' || two == 62,
            _ => false,
        };
    }
}
