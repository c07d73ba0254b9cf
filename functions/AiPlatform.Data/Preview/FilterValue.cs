using System.Globalization;
using AiPlatform.Data.Profiles;
using AiPlatform.Data.Statistics;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Preview;

/// <summary>A constant of a condition.</summary>
internal readonly record struct FilterValue(string? Text, double? Number, long? Ticks)
{
    public static FilterValue OfText(string text) => new(text, null, ValueParser.TryTime(text, out var ticks, out _) ? ticks : null);

    public static FilterValue OfNumber(double number) => new(null, number, null);

    public static FilterValue OfBoolean(bool value) => new(value ? "true" : "false", value ? 1 : 0, null);
}

/// <summary>What cells are compared by.</summary>
internal static class Cell
{
    /// <summary>Whether there is no value.</summary>
    public static bool IsMissing(ColumnVector vector, int row) => vector.IsMissing(row);

    /// <summary>The order of a cell and a constant; null when they cannot be compared: a missing value, a text and a number.</summary>
    public static int? Compare(ColumnVector vector, int row, FilterValue value)
    {
        if (IsMissing(vector, row))
        {
            return null;
        }

        switch (vector.Kind)
        {
            case VectorKind.Integer or VectorKind.Number:
                return (value.Number ?? Parse(value.Text)) is { } number ? vector.Number(row).CompareTo(number) : null;
            case VectorKind.Boolean:
                return value.Number is { } flag ? ((double)vector.Integer(row)).CompareTo(flag) : null;
            case VectorKind.Timestamp:
                return value.Ticks is { } ticks ? vector.Integer(row).CompareTo(ticks) : null;
            default:
                var text = vector.Text(row);
                return value switch
                {
                    { Number: { } other, Text: null } => ValueParser.TryNumber(text.Trim(), out var cell) ? cell.CompareTo(other) : null,
                    { Number: not null } => text.Equals(value.Text, StringComparison.OrdinalIgnoreCase) ? 0 : 1,
                    _ => text.CompareTo(value.Text, StringComparison.Ordinal),
                };
        }
    }

    /// <summary>A hash by which equal values of different formats are equal: 1 and 1.0, a number and its text.</summary>
    public static ulong Hash(ColumnVector vector, int row)
    {
        if (IsMissing(vector, row))
        {
            return 0;
        }

        if (vector.Kind is VectorKind.Integer or VectorKind.Number)
        {
            return Hash64.Of(vector.Number(row));
        }

        Span<char> buffer = stackalloc char[40];
        var text = vector.Format(row, buffer).Trim();
        return ValueParser.TryNumber(text, out var number) ? Hash64.Of(number) : Hash64.Of(text);
    }

    private static double? Parse(string? text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
