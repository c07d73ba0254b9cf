namespace AiPlatform.Contracts.Queues;

/// <summary>Creates a schedule: a task that is submitted again and again.</summary>
/// <example>
/// {"name": "nightly", "cron": "0 3 * * *", "timeZone": "Europe/Berlin", "task": {"handler": "http", "payload":
/// {"url": "https://example.org/hook"}}}
/// </example>
/// <param name="Name">Its name; unique in the queue.</param>
/// <param name="Cron">Five fields (minute first) or six (second first), apart by blanks or tabs, or a macro such as <c>@daily</c>. It must occur.</param>
/// <param name="Task">What is submitted; it has no dependencies, time, deadline, deduplication key, parent or ref of its own.</param>
/// <param name="TimeZone">An IANA name; UTC when absent. Occurrences follow its summer time.</param>
/// <param name="Overlap">Whether a task is submitted while the one before has not ended.</param>
/// <param name="Days">Required where the expression restricts both the day of the month and the day of the week.</param>
public sealed record CreateTaskScheduleRequest(
    string Name, string Cron, SubmitTaskRequest Task, string? TimeZone = null, bool Overlap = false, CronDays? Days = null);

/// <summary>A schedule of a queue. Occurrences that passed while the platform was away are made up for by one task.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">Its name.</param>
/// <param name="Cron">The cron expression.</param>
/// <param name="TimeZone">The IANA time zone that occurrences follow.</param>
/// <param name="Task">What is submitted.</param>
/// <param name="Overlap">Whether a task is submitted while the one before has not ended.</param>
/// <param name="Paused">Whether it submits nothing.</param>
/// <param name="NextAt">The next occurrence; null when there is none.</param>
/// <param name="LastAt">The last occurrence; null when there was none.</param>
/// <param name="LastTaskId">The task that the last occurrence submitted; null when there was none.</param>
/// <param name="LastError">Why the last occurrence submitted nothing.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Days">Which days the expression means where it restricts both kinds.</param>
public sealed record TaskSchedule(
    string Id, string Name, string Cron, string TimeZone, SubmitTaskRequest Task, bool Overlap, bool Paused, DateTimeOffset? NextAt, DateTimeOffset? LastAt,
    string? LastTaskId, string? LastError, DateTimeOffset CreatedAt, CronDays? Days = null);
