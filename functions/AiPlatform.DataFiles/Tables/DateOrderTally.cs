using System.Globalization;

namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// Decides from a whole column how dates with the year last (<c>13/02/2024</c>, <c>1.2.2024</c>, <c>01-02-2024</c>) are read: one order
/// for all. Each value is read both ways until the end.
/// </summary>
internal sealed class DateOrderTally
{
    private long _firstDay = long.MaxValue;
    private long _lastDay = long.MinValue;
    private long _firstMonth = long.MaxValue;
    private long _lastMonth = long.MinValue;

    /// <summary>Values with the year last.</summary>
    public long Count { get; private set; }

    /// <summary>Values that are a date only with the day first.</summary>
    public long OnlyDayFirst { get; private set; }

    /// <summary>Values that are a date only with the month first.</summary>
    public long OnlyMonthFirst { get; private set; }

    /// <summary>The order of most values that leave no choice; null when none does, or as many say the one as the other.</summary>
    public DateOrder? Order => OnlyDayFirst == OnlyMonthFirst ? null : OnlyDayFirst > OnlyMonthFirst ? DateOrder.DayFirst : DateOrder.MonthFirst;

    /// <summary>Values that can only be read in the other order.</summary>
    public long Contradictions => Math.Min(OnlyDayFirst, OnlyMonthFirst);

    /// <summary>The share of the values that leave no choice and agree.</summary>
    public double Confidence => Order is null ? 0 : Math.Max(OnlyDayFirst, OnlyMonthFirst) / (double)(OnlyDayFirst + OnlyMonthFirst);

    /// <summary>Whether a text is a date with the year last, in either order.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out DateTime? dayFirst, out DateTime? monthFirst)
    {
        (dayFirst, monthFirst) = (null, null);
        if (text.Length is < 8 or > 10 || !char.IsAsciiDigit(text[0]))
        {
            return false;
        }

        var mark = text.IndexOfAny('/', '.', '-');
        if (mark is not (1 or 2))
        {
            return false;
        }

        var rest = text[(mark + 1)..];
        var second = rest.IndexOf(text[mark]);
        return second is 1 or 2 && rest.Length - second == 5
            && TryNumber(text[..mark], out var one) && TryNumber(rest[..second], out var two) && TryNumber(rest[(second + 1)..], out var year)
            && ((dayFirst = Date(year, two, one)) is not null | (monthFirst = Date(year, one, two)) is not null);
    }

    /// <summary>Counts a text; false when it is no date with the year last.</summary>
    /// <param name="count">How often it is there.</param>
    public bool Add(ReadOnlySpan<char> text, long count = 1)
    {
        if (!TryRead(text, out var dayFirst, out var monthFirst))
        {
            return false;
        }

        Count += count;
        OnlyDayFirst += monthFirst is null ? count : 0;
        OnlyMonthFirst += dayFirst is null ? count : 0;
        if (dayFirst is { } day)
        {
            (_firstDay, _lastDay) = (Math.Min(_firstDay, day.Ticks), Math.Max(_lastDay, day.Ticks));
        }

        if (monthFirst is { } month)
        {
            (_firstMonth, _lastMonth) = (Math.Min(_firstMonth, month.Ticks), Math.Max(_lastMonth, month.Ticks));
        }

        return true;
    }

    /// <summary>The first and last date in an order, in ticks.</summary>
    public (long First, long Last) Range(DateOrder order) => order == DateOrder.DayFirst ? (_firstDay, _lastDay) : (_firstMonth, _lastMonth);

    private static DateTime? Date(int year, int month, int day)
        => year is > 0 and < 10_000 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month) ? new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc) : null;

    private static bool TryNumber(ReadOnlySpan<char> text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
