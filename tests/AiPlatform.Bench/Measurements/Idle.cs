using System.Globalization;
using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// What an idle platform costs: processor time and growth of memory of each process. Target: under 2 % of a core for all of them. The
/// time of the measurement is a minute, or AIPLATFORM_BENCH_IDLE_SECONDS.
/// </summary>
internal static class Idle
{
    // For some minutes after a start hot methods are compiled again and memory is given back.
    private static readonly TimeSpan Settle = TimeSpan.FromMinutes(3);

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_BENCH_IDLE_SECONDS"), CultureInfo.InvariantCulture, out var wanted) ? wanted : 60;
        await Task.Delay(Settle, cancellationToken);
        var before = ProcessUse.Of(platform);
        await Task.Delay(TimeSpan.FromSeconds(seconds), cancellationToken);
        var parts = ProcessUse.Of(platform).Since(before).Select(part => new
        {
            part.Name,
            Processor = part.Processor / seconds * 100,
            Resident = part.Resident / 1e6,
            Growth = part.Growth / 1e6 / seconds * 3600,
        }).ToList();
        return new
        {
            seconds,
            processorInPercentOfACore = Math.Round(parts.Sum(part => part.Processor), 2),
            targetProcessorInPercentOfACore = 2,
            residentMb = Math.Round(parts.Sum(part => part.Resident), 1),
            byProcess = parts.OrderByDescending(part => part.Processor).ToDictionary(part => part.Name, part => new
            {
                processorInPercentOfACore = Math.Round(part.Processor, 2),
                residentMb = Math.Round(part.Resident, 1),
                growthInMbPerHour = Math.Round(part.Growth, 1),
            }),
        };
    }
}
