using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace AiPlatform.DataFiles.Preview;

/// <summary>A number of a condition with all of its digits: <see cref="Unscaled"/> divided by ten to the power of <see cref="Scale"/>.</summary>
internal sealed record NumberLiteral(BigInteger Unscaled, int Scale, double Value)
{
    private const int MaxExponent = 100;
    private static readonly SearchValues<char> Characters = SearchValues.Create("+-.eE0123456789");

    /// <summary>Digits before the point.</summary>
    public int IntegerDigits => Math.Max(1, Digits(BigInteger.Abs(Unscaled)) - Scale);

    /// <summary>The number as plain decimal text.</summary>
    public string Text
    {
        get
        {
            var digits = BigInteger.Abs(Unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(Scale + 1, '0');
            var sign = Unscaled.Sign < 0 ? "-" : string.Empty;
            return Scale == 0 ? sign + digits : $"{sign}{digits[..^Scale]}.{digits[^Scale..]}";
        }
    }

    /// <summary>The largest integer that is not larger.</summary>
    public BigInteger Floor
    {
        get
        {
            var quotient = BigInteger.DivRem(Unscaled, BigInteger.Pow(10, Scale), out var rest);
            return rest.Sign < 0 ? quotient - 1 : quotient;
        }
    }

    /// <summary>Reads a finite number such as <c>12</c>, <c>-1.50</c> or <c>1e9</c>; null for anything else.</summary>
    public static NumberLiteral? Parse(ReadOnlySpan<char> text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value) || text.ContainsAnyExcept(Characters))
        {
            return null;
        }

        var at = text.IndexOfAny('e', 'E');
        var exponent = at < 0 ? 0 : int.TryParse(text[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed) ? parsed : MaxExponent + 1;
        var mantissa = at < 0 ? text : text[..at];
        var point = mantissa.IndexOf('.');
        var digits = point < 0 ? mantissa.ToString() : string.Concat(mantissa[..point], mantissa[(point + 1)..]);
        var scale = (point < 0 ? 0 : mantissa.Length - point - 1) - exponent;
        if (Math.Abs(exponent) > MaxExponent || !BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var unscaled))
        {
            // Beyond what integers and decimals hold: only its double counts.
            return new NumberLiteral(new BigInteger(value), 0, value);
        }

        if (scale < 0)
        {
            (unscaled, scale) = (unscaled * BigInteger.Pow(10, -scale), 0);
        }

        while (scale > 0 && (unscaled % 10).IsZero)
        {
            (unscaled, scale) = (unscaled / 10, scale - 1);
        }

        return new NumberLiteral(unscaled, scale, value);
    }

    private static int Digits(BigInteger value) => value.ToString(CultureInfo.InvariantCulture).Length;
}
