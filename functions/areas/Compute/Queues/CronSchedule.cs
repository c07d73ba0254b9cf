using System.Buffers;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using Cronos;

namespace AiPlatform.Compute.Queues;

/// <summary>A cron expression of five fields (minute first) or six (second first), or a macro such as <c>@daily</c>.</summary>
internal sealed class CronSchedule
{
    private const int MaxLength = 200;
    private static readonly SearchValues<char> Blanks = SearchValues.Create(" \t");

    private readonly CronExpression[] _expressions;

    private CronSchedule(params CronExpression[] expressions) => _expressions = expressions;

    /// <summary>Reads an expression that has been accepted before.</summary>
    /// <param name="cron">The expression.</param>
    /// <param name="days">Null: both days must match where both are restricted.</param>
    /// <exception cref="ApiException">400: it is none.</exception>
    public static CronSchedule Parse(string cron, CronDays? days)
    {
        Check.Length(cron, "cron", 1, MaxLength);
        var fields = Fields(cron);
        return days == CronDays.Or && RestrictsBothDays(fields)
            ? new CronSchedule(Expression([.. fields[..^1], "*"]), Expression([.. fields[..^3], "*", fields[^2], fields[^1]]))
            : new CronSchedule(Expression(fields));
    }

    /// <summary>Reads a new expression: it must say which days it means, and have an occurrence.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static CronSchedule Require(string cron, CronDays? days, DateTimeOffset now, TimeZoneInfo zone)
    {
        Check.That(days is null || Enum.IsDefined(days.Value), "days", "wrongType");
        var schedule = Parse(cron, days);
        Check.That(days is not null || !RestrictsBothDays(Fields(cron)), "days", "cronDays");
        Check.That(schedule._expressions.All(expression => expression.GetNextOccurrence(now, zone) is not null), "cron", "cronNever");
        return schedule;
    }

    /// <summary>The first occurrence after a time; null when there is none.</summary>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        DateTimeOffset? first = null;
        foreach (var expression in _expressions)
        {
            var next = expression.GetNextOccurrence(after, zone);
            first = first is null || next < first ? next ?? first : first;
        }

        return first;
    }

    private static string[] Fields(string cron)
    {
        var fields = new List<string>(6);
        var rest = cron.AsSpan().Trim(" \t");
        while (rest.Length > 0)
        {
            var end = rest.IndexOfAny(Blanks);
            fields.Add((end < 0 ? rest : rest[..end]).ToString());
            rest = end < 0 ? [] : rest[end..].TrimStart(" \t");
        }

        return fields is [['@', ..]] || fields.Count is 5 or 6 ? [.. fields] : throw ApiException.Invalid("cron", "cron");
    }

    private static bool RestrictsBothDays(string[] fields) => fields.Length >= 5 && fields[^3] is not ("*" or "?") && fields[^1] is not ("*" or "?");

    private static CronExpression Expression(string[] fields)
    {
        try
        {
            return CronExpression.Parse(string.Join(' ', fields), fields.Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
        }
        catch (CronFormatException)
        {
            throw ApiException.Invalid("cron", "cron");
        }
    }
}
