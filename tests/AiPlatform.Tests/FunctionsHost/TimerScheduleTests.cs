using AiPlatform.FunctionsHost.Timers;

namespace AiPlatform.Tests.FunctionsHost;

public sealed class TimerScheduleTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 28, 23, 30, 15, TimeSpan.Zero);

    [Theory]
    [InlineData("*/10 * * * * *", "2026-03-28T23:30:20Z")]
    [InlineData("0 */5 * * * *", "2026-03-28T23:35:00Z")]
    [InlineData("*/5 * * * *", "2026-03-28T23:35:00Z")]
    [InlineData("0 30 9 * * Mon-Fri", "2026-03-30T09:30:00Z")]
    [InlineData("0 0 0 1 1 *", "2027-01-01T00:00:00Z")]
    [InlineData("0 0 12 1 * 1", "2026-06-01T12:00:00Z")]
    [InlineData("00:00:10", "2026-03-28T23:30:20Z")]
    [InlineData("01:00:00", "2026-03-29T00:00:00Z")]
    public void A_schedule_is_due_when_the_contract_says(string schedule, string next)
        => Assert.Equal(DateTimeOffset.Parse(next), Parse(schedule).Next(Now));

    // At one o'clock of that night, Central Europe's clocks go on by an hour.
    [Theory]
    [InlineData("0 30 2 * * *", "2026-03-29T01:00:00Z")]
    [InlineData("0 0 9 * * *", "2026-03-29T07:00:00Z")]
    public void A_schedule_follows_the_clocks_of_its_zone(string schedule, string next)
        => Assert.Equal(DateTimeOffset.Parse(next), TimerSchedule.Parse(schedule, static _ => null, TimerSchedule.Zone("Europe/Berlin")).Next(Now)!.Value.ToUniversalTime());

    [Fact]
    public void A_setting_stands_for_a_schedule()
        => Assert.Equal(Now.AddSeconds(45), TimerSchedule.Parse("%EVERY%", static name => name == "EVERY" ? "0 * * * * *" : null, TimeZoneInfo.Utc).Next(Now));

    [Theory]
    [InlineData("%MISSING%", "%MISSING%")]
    [InlineData("every day", "every day")]
    [InlineData("61 * * * * *", "61")]
    [InlineData("00:00:00", "00:00:00")]
    [InlineData("-00:01:00", "-00:01:00")]
    [InlineData("", "schedule")]
    public void What_is_no_schedule_is_named(string schedule, string named)
        => Assert.Contains(named, Assert.Throws<FormatException>(() => Parse(schedule)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_zone_that_the_machine_does_not_know_is_named()
        => Assert.Contains("Mars/Base", Assert.Throws<FormatException>(() => TimerSchedule.Zone("Mars/Base")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("*/10 * * * * *", false)]
    [InlineData("00:00:59", false)]
    [InlineData("0 * * * * *", true)]
    [InlineData("0 0 0 1 1 *", true)]
    public void Only_what_is_a_minute_or_more_apart_is_made_up_for(string schedule, bool monitored)
        => Assert.Equal(monitored, Parse(schedule).IsMonitored(Now));

    [Fact]
    public void Another_zone_is_another_schedule()
        => Assert.NotEqual(Parse("0 0 9 * * *").Text, TimerSchedule.Parse("0 0 9 * * *", static _ => null, TimerSchedule.Zone("Europe/Berlin")).Text);

    private static TimerSchedule Parse(string schedule) => TimerSchedule.Parse(schedule, static _ => null, TimeZoneInfo.Utc);
}
