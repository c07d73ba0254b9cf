using Cronos;

namespace AiPlatform.FunctionsHost.Timers;

/// <summary>When a timer is due: a cron expression of six fields (seconds first) or five, in the app's time zone, or a fixed distance.</summary>
internal sealed class TimerSchedule
{
    // Sub-minute schedules are not monitored: what was missed of them is not worth a note.
    private static readonly TimeSpan MonitoredFrom = TimeSpan.FromMinutes(1);

    private readonly CronExpression? _cron;
    private readonly TimeSpan _distance;
    private readonly TimeZoneInfo _zone;

    private TimerSchedule(string text, CronExpression? cron, TimeSpan distance, TimeZoneInfo zone)
    {
        Text = text;
        _cron = cron;
        _distance = distance;
        _zone = zone;
    }

    /// <summary>The schedule and its zone in words: another text is another schedule.</summary>
    public string Text { get; }

    /// <summary>Reads a schedule as the trigger has it.</summary>
    /// <param name="text">Six or five fields, <c>hh:mm:ss</c>, or <c>%SETTING%</c>.</param>
    /// <param name="setting">Finds app settings.</param>
    /// <param name="zone">The zone of cron expressions.</param>
    /// <exception cref="FormatException">It is no schedule; the message says what is wrong.</exception>
    public static TimerSchedule Parse(string text, Func<string, string?> setting, TimeZoneInfo zone)
    {
        var resolved = text is ['%', _, .., '%'] ? setting(text[1..^1]) ?? throw new FormatException($"The app setting {text} is missing.") : text;
        if (resolved.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(resolved, System.Globalization.CultureInfo.InvariantCulture, out var distance) && distance > TimeSpan.Zero
                ? new TimerSchedule(resolved, null, distance, TimeZoneInfo.Utc)
                : throw new FormatException($"'{resolved}' is not a time span.");
        }

        try
        {
            var fields = resolved.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Length;
            var cron = CronExpression.Parse(resolved, fields == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
            return new TimerSchedule($"{resolved} {zone.Id}", cron, default, zone);
        }
        catch (CronFormatException exception)
        {
            throw new FormatException($"'{resolved}' is not a schedule: {exception.Message}", exception);
        }
    }

    /// <summary>The time zone by the app setting <c>WEBSITE_TIME_ZONE</c>; UTC without one.</summary>
    /// <exception cref="FormatException">The machine does not know it.</exception>
    public static TimeZoneInfo Zone(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return TimeZoneInfo.Utc;
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : throw new FormatException($"WEBSITE_TIME_ZONE: '{name}' is not a time zone.");
    }

    /// <summary>The first time after <paramref name="after"/> at which it is due; null: never again.</summary>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        if (_cron is not null)
        {
            return _cron.GetNextOccurrence(after, _zone);
        }

        // Counted from a fixed point, so that all hosts mean the same times.
        var ticks = after.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        return DateTimeOffset.UnixEpoch + (((ticks / _distance.Ticks) + 1) * _distance);
    }

    /// <summary>Whether what was missed is made up for: not for what comes again within a minute.</summary>
    public bool IsMonitored(DateTimeOffset now) => Next(now) is not { } first || Next(first) is not { } second || second - first >= MonitoredFrom;
}
