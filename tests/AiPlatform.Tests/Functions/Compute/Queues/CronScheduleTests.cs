using AiPlatform.Compute.Queues;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Tests.Functions.Compute.Queues;

public sealed class CronScheduleTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero); // A Thursday.

    [Theory]
    [InlineData(CronDays.And, "02-13 03-13 11-13")]
    [InlineData(CronDays.Or, "01-02 01-09 01-13")]
    public void A_day_of_the_month_and_a_weekday_go_together_as_was_said(CronDays days, string expected)
        => Assert.Equal(expected, string.Join(' ', Occurrences("0 9 13 * 5", days, 3).Select(static time => $"{time:MM-dd}")));

    [Fact]
    public void An_expression_that_restricts_both_days_must_say_what_it_means()
    {
        var refused = Assert.Throws<ApiException>(() => CronSchedule.Require("0 9 13 * 5", null, Now, TimeZoneInfo.Utc));
        Assert.Equal((ErrorCodes.InvalidRequest, "days"), (refused.Code, refused.Field));
        Assert.NotNull(CronSchedule.Require("0 9 * * 5", null, Now, TimeZoneInfo.Utc));
        Assert.NotNull(CronSchedule.Require("0 9 13 * ?", null, Now, TimeZoneInfo.Utc));
        Assert.NotNull(CronSchedule.Require("0 0 9 13 * 5", CronDays.Or, Now, TimeZoneInfo.Utc));
    }

    [Fact]
    public void An_accepted_expression_that_says_nothing_means_both()
        => Assert.Equal("02-13", $"{CronSchedule.Parse("0 9 13 * 5", null).Next(Now, TimeZoneInfo.Utc):MM-dd}");

    [Theory]
    [InlineData("0 0 30 2 *", null)]
    [InlineData("0 0 31 4,6,9,11 *", null)]
    [InlineData("0 0 30 2 1", CronDays.And)]
    [InlineData("0 0 30 2 1", CronDays.Or)] // Its Mondays occur, its 30th never does.
    public void A_date_that_never_comes_is_refused(string cron, CronDays? days)
        => Assert.Equal("cron", Assert.Throws<ApiException>(() => CronSchedule.Require(cron, days, Now, TimeZoneInfo.Utc)).Field);

    [Theory]
    [InlineData("*/5\t*\t*  *\t*")]
    [InlineData(" \t*/5 * * * * \t")]
    [InlineData("0 */5 * * * *")]
    public void Blanks_and_tabs_are_alike(string cron)
        => Assert.Equal(Now.AddMinutes(5), CronSchedule.Require(cron, null, Now, TimeZoneInfo.Utc).Next(Now, TimeZoneInfo.Utc));

    [Fact]
    public void Leap_days_and_macros_occur()
    {
        Assert.Equal(new DateTimeOffset(2028, 2, 29, 0, 0, 0, TimeSpan.Zero), CronSchedule.Require("0 0 29 2 *", null, Now, TimeZoneInfo.Utc).Next(Now, TimeZoneInfo.Utc));
        Assert.Equal(Now.AddDays(1), CronSchedule.Require("@daily", null, Now, TimeZoneInfo.Utc).Next(Now, TimeZoneInfo.Utc));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("* * * *")]
    [InlineData("* * * * * * *")]
    [InlineData("61 * * * *")]
    [InlineData("*\n* * * *")]
    [InlineData("a b c d e")]
    public void What_is_no_expression_is_refused(string cron)
        => Assert.Equal("cron", Assert.Throws<ApiException>(() => CronSchedule.Require(cron, null, Now, TimeZoneInfo.Utc)).Field);

    private static IEnumerable<DateTimeOffset> Occurrences(string cron, CronDays days, int count)
    {
        var (schedule, time) = (CronSchedule.Require(cron, days, Now, TimeZoneInfo.Utc), Now);
        for (var i = 0; i < count; i++)
        {
            yield return time = schedule.Next(time, TimeZoneInfo.Utc)!.Value;
        }
    }
}
