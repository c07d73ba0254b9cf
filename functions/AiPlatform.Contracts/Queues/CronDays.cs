namespace AiPlatform.Contracts.Queues;

/// <summary>
/// How the day of the month and the day of the week of a cron expression go together when both are restricted. Programs differ about
/// it, so it has to be said.
/// </summary>
public enum CronDays
{
    /// <summary>Both must match: <c>0 9 13 * 5</c> is each Friday the 13th.</summary>
    And,

    /// <summary>One must match, as in POSIX: <c>0 9 13 * 5</c> is each Friday and each 13th.</summary>
    Or,
}
