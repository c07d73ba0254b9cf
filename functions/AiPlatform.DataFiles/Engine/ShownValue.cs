using System.Globalization;
using System.Numerics;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Engine;

/// <summary>Values as previews and diffs show them: texts, numbers and booleans that JSON holds without loss.</summary>
internal static class ShownValue
{
    private const int MaxText = 2000;
    private const int SafeDigits = 15;
    private const long NanosecondsPerDay = 86_400_000_000_000;

    /// <summary>Reads what <see cref="EngineColumn.Shown"/> selects.</summary>
    public static object? Read(DuckDBDataReader reader, int ordinal, EngineColumn column)
    {
        if (reader.IsDBNull(ordinal))
        {
            return null;
        }

        return column.Family switch
        {
            ValueFamily.Integer => reader.GetInt64(ordinal),
            ValueFamily.Float => Number(reader.GetDouble(ordinal)),
            ValueFamily.Boolean => reader.GetBoolean(ordinal),
            ValueFamily.Date => Date(reader.GetInt64(ordinal)),
            ValueFamily.Timestamp => Timestamp((Int128)reader.GetInt64(ordinal) * (column.SqlType == "TIMESTAMP_NS" ? 1 : 1000)),
            ValueFamily.BigInteger or ValueFamily.Decimal => Exact(reader.GetString(ordinal)),
            _ => Text(reader.GetString(ordinal)),
        };
    }

    /// <summary>A text, cut where it is long.</summary>
    public static string Text(string text) => text.Length > MaxText ? $"{text[..MaxText]}…" : text;

    /// <summary>A floating-point number; JSON has no infinity and no NaN, so these are texts.</summary>
    public static object Number(double value) => double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? value > 0 ? "Infinity" : "-Infinity" : value;

    /// <summary>A decimal number or large integer: a number where every reader keeps all of its digits, else its text.</summary>
    public static object Exact(string text)
    {
        var plain = text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;
        return plain.Count(char.IsAsciiDigit) <= SafeDigits && decimal.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number == decimal.Truncate(number) ? (long)number : number
            : plain;
    }

    /// <summary>A large integer.</summary>
    public static object Exact(BigInteger value) => Exact(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A day, counted from 1970, as ISO 8601; also before the year 1 and after 9999.</summary>
    public static string Date(long days)
    {
        // Days to civil dates in eras of 400 years, counted from March.
        var shifted = days + 719_468;
        var era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097;
        var dayOfEra = shifted - (era * 146_097);
        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        var dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        var shiftedMonth = ((5 * dayOfYear) + 2) / 153;
        var day = dayOfYear - (((153 * shiftedMonth) + 2) / 5) + 1;
        var month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
        var year = yearOfEra + (era * 400) + (month <= 2 ? 1 : 0);
        var sign = year < 0 ? "-" : year > 9999 ? "+" : string.Empty;
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{Math.Abs(year):0000}-{month:00}-{day:00}");
    }

    /// <summary>A point in time, in nanoseconds from 1970, as ISO 8601, without a time where it is midnight.</summary>
    public static string Timestamp(Int128 nanoseconds)
    {
        var (days, rest) = Split(nanoseconds);
        return rest == 0 ? Date(days) : $"{Date(days)}T{Time(rest)}Z";
    }

    /// <summary>A time of day, in nanoseconds from midnight.</summary>
    public static string Time(long nanoseconds)
    {
        var (seconds, fraction) = Math.DivRem(nanoseconds, 1_000_000_000);
        var text = string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}");
        return fraction == 0 ? text : string.Create(CultureInfo.InvariantCulture, $"{text}.{fraction:000000000}").TrimEnd('0');
    }

    /// <summary>The day and the nanoseconds since its midnight.</summary>
    public static (long Days, long Nanoseconds) Split(Int128 nanoseconds)
    {
        var days = (long)(nanoseconds / NanosecondsPerDay);
        var rest = (long)(nanoseconds % NanosecondsPerDay);
        return rest < 0 ? (days - 1, rest + NanosecondsPerDay) : (days, rest);
    }
}
