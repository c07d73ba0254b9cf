namespace AiPlatform.DataFiles.Tables;

/// <summary>How a date such as <c>01/02/2024</c> is read.</summary>
public enum DateOrder
{
    /// <summary>The day before the month: 1 February.</summary>
    DayFirst,

    /// <summary>The month before the day: 2 January.</summary>
    MonthFirst,
}
