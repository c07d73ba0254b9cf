using System.ComponentModel.DataAnnotations;
using System.Globalization;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// What the processes of one node or one task may use; configuration section <c>Runner:Limits</c>. Single values bound each process
/// through the kernel; those of the whole tree are watched, and what exceeds them is killed with <c>limit_exceeded</c>.
/// </summary>
internal sealed class JobLimits
{
    /// <summary>Processes at the same time; of a node, so many for each of its ranks.</summary>
    [Range(1, 1_000_000)]
    public int Processes { get; set; } = 256;

    /// <summary>Bytes of memory of all processes together; null: nine tenths of the machine's.</summary>
    [Range(16L << 20, long.MaxValue)]
    public long? MemoryBytes { get; set; }

    /// <summary>Bytes of files that the code writes in its workspace; also the most that one file may have.</summary>
    [Range(1L << 20, long.MaxValue)]
    public long ScratchBytes { get; set; } = 50L << 30;

    /// <summary>Files and folders in the workspace.</summary>
    [Range(100, 100_000_000)]
    public int ScratchFiles { get; set; } = 1_000_000;

    /// <summary>Open files of one process.</summary>
    [Range(64, 1_048_576)]
    public int OpenFiles { get; set; } = 16_384;

    /// <summary>
    /// Sockets of all processes together; of a node, so many for each of its ranks. The servers that job code reaches have no more descriptors
    /// than a few times as many.
    /// </summary>
    [Range(16, 1_048_576)]
    public int Sockets { get; set; } = 4_096;

    /// <summary>
    /// Processes and threads of the account that job code runs as. The kernel counts them for all jobs of the account together, and
    /// not at all for root. Null: what the slots may use (<see cref="Arguments"/>).
    /// </summary>
    [Range(64, 4_194_304)]
    public int? AccountThreads { get; set; }

    /// <summary>Bytes of address space of one process; null for no limit. GPU libraries reserve far more than they use.</summary>
    [Range(64L << 20, long.MaxValue)]
    public long? AddressSpaceBytes { get; set; }

    /// <summary>Between two looks at the processes.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary><see cref="MemoryBytes"/>, or what stands for it.</summary>
    public long MostMemory => MemoryBytes ?? DeviceDetector.Memory().Total / 10 * 9;

    // For threads: processes are watched, which have some each.
    private static int ThreadMargin => 512 + (16 * Environment.ProcessorCount);

    /// <summary>Arguments of prlimit(1). A limit is never above what this process may set.</summary>
    /// <param name="hardLimitOf">The hard limit by the name that <c>/proc/self/limits</c> has for it; null for none.</param>
    /// <param name="slots">Ranks and tasks that run at the same time.</param>
    /// <param name="dedicated">Whether only job code runs as the account; what else it runs counts too.</param>
    public IReadOnlyList<string> Arguments(Func<string, long?> hardLimitOf, int slots = 1, bool dedicated = true)
    {
        const int OthersThreads = 4_096;
        List<string> arguments = ["--core=0"];
        void Add(string option, string name, long value)
            => arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--{option}={Math.Min(value, hardLimitOf(name) ?? long.MaxValue)}"));
        Add("nofile", "Max open files", OpenFiles);
        Add("nproc", "Max processes", AccountThreads ?? (slots * (long)(Processes + ThreadMargin)) + (dedicated ? 0 : OthersThreads));
        Add("fsize", "Max file size", ScratchBytes);
        if (AddressSpaceBytes is { } bytes)
        {
            Add("as", "Max address space", bytes);
        }

        return arguments;
    }

    /// <summary>Arguments of prlimit(1) within namespaces, where the kernel counts the processes and threads of one rank.</summary>
    public IReadOnlyList<string> InnerArguments(Func<string, long?> hardLimitOf)
        => [string.Create(CultureInfo.InvariantCulture, $"--nproc={Math.Min(AccountThreads ?? Processes + ThreadMargin, hardLimitOf("Max processes") ?? long.MaxValue)}")];

    /// <summary>Hard limits of this process, from the lines of <c>/proc/self/limits</c>.</summary>
    public static long? HardLimit(IEnumerable<string> lines, string name)
    {
        // The columns are name, soft limit, hard limit, unit; names hold spaces.
        var fields = lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields is { Length: >= 2 } && long.TryParse(fields[1], CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
