namespace AiPlatform.GpuRunner.Launch;

/// <summary>Says in words why a rank ended.</summary>
internal static class ExitReason
{
    private const int SignalBase = 128;
    private const string CgroupEvents = "/sys/fs/cgroup/memory.events";

    private static readonly Dictionary<int, string> Signals = new()
    {
        [1] = "SIGHUP", [2] = "SIGINT", [3] = "SIGQUIT", [4] = "SIGILL", [6] = "SIGABRT", [7] = "SIGBUS", [8] = "SIGFPE",
        [9] = "SIGKILL", [11] = "SIGSEGV", [13] = "SIGPIPE", [14] = "SIGALRM", [15] = "SIGTERM", [24] = "SIGXCPU", [25] = "SIGXFSZ", [31] = "SIGSYS",
    };

    /// <summary>A sentence on the exit code, and the last lines that the rank wrote.</summary>
    /// <param name="outOfMemory">Whether the kernel killed a process for memory while the rank ran.</param>
    public static string Describe(int rank, int exitCode, bool outOfMemory, string lastLines)
    {
        var signal = exitCode - SignalBase;
        var what = exitCode > SignalBase && exitCode < SignalBase + 65
            ? $"was killed by {Signals.GetValueOrDefault(signal, $"signal {signal}")}" + (outOfMemory && signal == 9 ? " (out of memory)" : "")
            : $"exited with code {exitCode}";
        return lastLines.Length == 0 ? $"rank {rank} {what}" : $"rank {rank} {what}: {lastLines}";
    }

    /// <summary>How often the kernel has killed for memory in this container (or on this machine); compare before and after.</summary>
    public static long OutOfMemoryKills() => Counter(CgroupEvents, "oom_kill ") ?? Counter("/proc/vmstat", "oom_kill ") ?? 0;

    private static long? Counter(string path, string name)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
                && long.TryParse(line[name.Length..], out var value)
                ? value
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
