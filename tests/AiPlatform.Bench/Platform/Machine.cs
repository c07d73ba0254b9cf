using System.Runtime.InteropServices;

namespace AiPlatform.Bench.Platform;

/// <summary>What the figures were measured on.</summary>
internal static class Machine
{
    public static object Describe() => new
    {
        cores = Environment.ProcessorCount,
        memoryGiB = Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30), 1),
        os = RuntimeInformation.OSDescription,
        framework = RuntimeInformation.FrameworkDescription,
        processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[^1].Trim(),
        settings = "infra/up defaults: PostgreSQL with fsync, Azurite, Garnet, hub, broker, functions, orchestrations, two runners; load generator on the same machine",
    };
}
