using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>What the whole idle platform keeps resident. Target: under 1.2 GB.</summary>
internal static class IdleMemory
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(10);

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        await Task.Delay(Settle, cancellationToken);
        var processes = platform.ProcessTree().Select(ProcFileSystem.Memory).Where(memory => memory.Rss > 0).ToList();
        return new
        {
            residentMb = Megabytes(processes.Sum(process => process.Rss)),
            proportionalMb = Megabytes(processes.Sum(process => process.Pss)),
            targetResidentMb = 1200,
            byProcess = processes
                .GroupBy(process => process.Name)
                .ToDictionary(group => group.Key, group => Megabytes(group.Sum(process => process.Pss))),
        };
    }

    private static double Megabytes(long bytes) => Math.Round(bytes / 1e6, 1);
}
