using System.Globalization;
using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// What an idle platform costs: processor time and growth of memory of each process. Target: under 2 % of a core for all of them. The
/// time of the measurement is a minute, or AIPLATFORM_BENCH_IDLE_SECONDS.
/// </summary>
internal static class Idle
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(30);

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_BENCH_IDLE_SECONDS"), CultureInfo.InvariantCulture, out var wanted) ? wanted : 60;
        await Task.Delay(Settle, cancellationToken);
        var before = Sample(platform);
        await Task.Delay(TimeSpan.FromSeconds(seconds), cancellationToken);
        var after = Sample(platform);

        // Processes of one name together: PostgreSQL has one for each connection.
        var parts = after.Keys.Where(before.ContainsKey).GroupBy(id => after[id].Name).Select(group => new
        {
            Name = group.Key,
            Processor = group.Sum(id => after[id].Processor - before[id].Processor) / seconds * 100,
            Resident = group.Sum(id => after[id].Resident) / 1e6,
            Growth = group.Sum(id => after[id].Resident - before[id].Resident) / 1e6 / seconds * 3600,
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

    private static Dictionary<int, (string Name, double Processor, long Resident)> Sample(PlatformProcess platform)
    {
        var names = platform.Endpoints.GetProperty("processes").EnumerateObject().ToDictionary(part => part.Value.GetInt32(), part => part.Name);
        return platform.ProcessTree().ToDictionary(id => id, id =>
        {
            var (name, processor) = ProcFileSystem.Processor(id);
            return (names.GetValueOrDefault(id, name), processor, ProcFileSystem.Memory(id).Rss);
        });
    }
}
