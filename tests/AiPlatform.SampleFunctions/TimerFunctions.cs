using System.Globalization;
using Microsoft.Azure.Functions.Worker;

namespace AiPlatform.SampleFunctions;

/// <summary>Timers that say on the standard output what they saw.</summary>
public static class TimerFunctions
{
    /// <summary>Fires every second.</summary>
    [Function("beat")]
    public static void Beat([TimerTrigger("* * * * * *")] TimerInfo timer)
        => Console.WriteLine($"beat {DateTime.UtcNow.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} pastDue={timer?.IsPastDue} status={timer?.ScheduleStatus is not null}");

    /// <summary>Takes longer than the time between two of it.</summary>
    [Function("long")]
    public static async Task LongAsync([TimerTrigger("* * * * * *")] TimerInfo timer, CancellationToken cancellationToken)
    {
        Console.WriteLine($"long begins {timer?.IsPastDue}");
        await Task.Delay(TimeSpan.FromSeconds(1.5), cancellationToken);
        Console.WriteLine("long ends");
    }

    /// <summary>Fires as an app setting says.</summary>
    [Function("configured")]
    public static void Configured([TimerTrigger("%SAMPLE_SCHEDULE%")] TimerInfo timer)
        => Console.WriteLine($"configured pastDue={timer?.IsPastDue} last={timer?.ScheduleStatus?.Last:O} next={timer?.ScheduleStatus?.Next:O}");

    /// <summary>Fails whenever it fires.</summary>
    [Function("failing")]
    public static void Failing([TimerTrigger("* * * * * *")] TimerInfo timer)
    {
        Console.WriteLine($"failing fires {timer?.IsPastDue}");
        throw new InvalidOperationException("a timer that fails");
    }
}
