using System.Buffers;
using System.Globalization;

namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// Whether the first record names the columns. Each column votes: a text above numbers is a name, a number above numbers is a value, and
/// so on. A cell may be empty (pandas writes its index so), a number (years, 0, 1, 2, …), or there twice.
/// </summary>
internal static class HeaderRule
{
    private const double Strong = 1, Weak = 0.25;
    private const double KindShare = 0.9;
    private const int MaxNameChars = 64;

    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789., ");

    private enum Shape
    {
        Missing,
        Number,
        Date,
        Boolean,
        Text,
    }

    /// <summary>Decides from the first records.</summary>
    public static (bool IsHeader, double Confidence) Decide(List<List<string>> records)
    {
        if (records.Count == 0)
        {
            return (false, 0.5);
        }

        var first = records[0];
        if (records.Count == 1)
        {
            return (first.TrueForAll(static cell => Of(cell) == Shape.Text) && first.Distinct(StringComparer.Ordinal).Count() == first.Count, 0.6);
        }

        var isSequence = IsSequence(first) && !IsSequence(records[1]);
        var votes = new double[first.Count];
        for (var column = 0; column < first.Count; column++)
        {
            var values = records.Skip(1).Where(record => record.Count > column && !MissingText.Is(record[column])).Select(record => record[column]).ToList();
            votes[column] = Vote(first[column], values, isSequence);
        }

        var sum = votes.Sum();
        return sum != 0
            ? (sum > 0, Math.Round(0.5 + (0.49 * Math.Min(1, Math.Abs(sum) / Math.Max(1, votes.Count(static vote => vote != 0)))), 2))
            : (first.TrueForAll(static cell => Of(cell) is Shape.Text or Shape.Missing) && first.Exists(static cell => Of(cell) == Shape.Text), 0.5);
    }

    // Above 0 for a name, below 0 for a value.
    private static double Vote(string cell, List<string> values, bool isSequence)
    {
        var shape = Of(cell);
        if (values.Count == 0)
        {
            // A name above nothing; a value would be the only one.
            return shape is Shape.Text ? Weak : 0;
        }

        var kind = Kind(values);
        if (shape == Shape.Missing)
        {
            // An index without a name counts from 0 or 1; else a value is missing, which says little.
            return kind == Shape.Number && IsCounting(values) ? Strong : 0;
        }

        if (shape == Shape.Number)
        {
            return isSequence ? Strong : kind == Shape.Number ? -Strong : kind == Shape.Text ? Mixed(values) : 0;
        }

        if (shape != Shape.Text)
        {
            return kind == shape ? -Strong : 0;
        }

        if (kind != Shape.Text)
        {
            return cell.Length <= MaxNameChars ? Strong : Weak;
        }

        // Text above text: a value that comes again is none of the names, and codes of one length have a name of another.
        if (values.Contains(cell, StringComparer.Ordinal))
        {
            return -Strong;
        }

        var length = values[0].Length;
        return values.Count > 2 && values.TrueForAll(value => value.Length == length && value.Any(char.IsAsciiDigit))
            ? cell.Length == length && cell.Any(char.IsAsciiDigit) ? -Strong : Strong
            : cell.Any(char.IsAsciiDigit) && values.TrueForAll(static value => value.Any(char.IsAsciiDigit)) ? -Weak : 0;
    }

    // A number above texts without digits looks like none of them, but names of columns seldom are numbers.
    private static double Mixed(List<string> values) => values.Exists(static value => Of(value) == Shape.Number) ? -Weak : 0;

    private static Shape Kind(List<string> values)
    {
        foreach (var kind in (ReadOnlySpan<Shape>)[Shape.Number, Shape.Date, Shape.Boolean])
        {
            var count = 0;
            foreach (var value in values)
            {
                count += Of(value) == kind ? 1 : 0;
            }

            if (count >= KindShare * values.Count)
            {
                return kind;
            }
        }

        return Shape.Text;
    }

    // At least two numbers, all that there are, each one more than the last: 2019, 2020, 2021.
    private static bool IsSequence(List<string> cells)
    {
        long? last = null;
        var count = 0;
        foreach (var cell in cells)
        {
            if (!long.TryParse(cell.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                if (Of(cell) == Shape.Number)
                {
                    return false;
                }

                continue;
            }

            if (last is { } before && number != before + 1)
            {
                return false;
            }

            (last, count) = (number, count + 1);
        }

        return count >= 2;
    }

    private static bool IsCounting(List<string> values)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (!long.TryParse(values[i], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number != i + (values[0] == "0" ? 0 : 1))
            {
                return false;
            }
        }

        return values.Count >= 2 || values[0] == "0";
    }

    private static Shape Of(string cell)
    {
        var text = cell.AsSpan().Trim();
        if (MissingText.Is(text))
        {
            return Shape.Missing;
        }

        if (text is "true" or "false" or "True" or "False" or "TRUE" or "FALSE")
        {
            return Shape.Boolean;
        }

        if (DateOrderTally.TryRead(text, out _, out _) || (char.IsAsciiDigit(text[0]) && text.Length >= 8 && DateTime.TryParse(text, CultureInfo.InvariantCulture, out _)
            && text.IndexOfAny('-', '/', ':') > 0))
        {
            return Shape.Date;
        }

        return IsNumber(text) ? Shape.Number : Shape.Text;
    }

    // Also amounts and shares as people write them: 1,234.5, 1.234,5, -5 %, $3.
    private static bool IsNumber(ReadOnlySpan<char> text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
        {
            return true;
        }

        var rest = text.Trim("%$€£¥ +-");
        return rest.Length > 0 && char.IsAsciiDigit(rest[0]) && char.IsAsciiDigit(rest[^1]) && !rest.ContainsAnyExcept(NumberChars);
    }
}
