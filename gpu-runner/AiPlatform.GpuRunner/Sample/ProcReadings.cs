using System.Globalization;

namespace AiPlatform.GpuRunner.Sample;

/// <summary>Counters of the machine and of processes from <c>/proc</c>.</summary>
internal static class ProcReadings
{
    /// <summary>Ticks of all cores since the machine started: working, and in all (proc(5): user nice system idle iowait irq softirq steal).</summary>
    public static (long Busy, long Total) Cpu()
    {
        var fields = Fields(File.ReadLines("/proc/stat").First())[1..].Take(8).Select(Number).ToArray();
        var total = fields.Sum();
        return (total - fields[3] - fields[4], total);
    }

    /// <summary>Bytes through all network devices but the loopback since the machine started.</summary>
    public static (long Received, long Sent) Network() => Network(File.ReadLines("/proc/net/dev"));

    /// <summary>As the other overload, of the lines of <c>/proc/net/dev</c>.</summary>
    internal static (long Received, long Sent) Network(IEnumerable<string> lines)
    {
        var (received, sent) = (0L, 0L);
        foreach (var line in lines.Skip(2))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line[..colon].Trim() != "lo" && Fields(line[(colon + 1)..]) is { Length: > 8 } fields)
            {
                received += Number(fields[0]);
                sent += Number(fields[8]);
            }
        }

        return (received, sent);
    }

    /// <summary>Ticks that processes have worked, and bytes of memory that they hold; those that are gone count nothing.</summary>
    public static (long Ticks, long Memory) Usage(IEnumerable<int> processes)
    {
        var (ticks, pages) = (0L, 0L);
        foreach (var process in processes)
        {
            try
            {
                // The command name may hold spaces and parentheses: the numbers begin behind the last one.
                var stat = File.ReadAllText($"/proc/{process}/stat");
                var fields = Fields(stat[(stat.LastIndexOf(')') + 1)..]);
                ticks += Number(fields[11]) + Number(fields[12]);
                pages += Number(fields[21]);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile.
            }
        }

        return (ticks, pages * Environment.SystemPageSize);
    }

    /// <summary>Bytes of memory that processes hold, where shared memory counts once; without the right to know, as <see cref="Usage"/> counts.</summary>
    public static long SharedOutMemory(IEnumerable<int> processes)
    {
        var total = 0L;
        foreach (var process in processes)
        {
            try
            {
                var line = File.ReadLines($"/proc/{process}/smaps_rollup").FirstOrDefault(static line => line.StartsWith("Pss:", StringComparison.Ordinal));
                total += line is null ? 0 : Number(Fields(line)[1]) * 1024;
            }
            catch (UnauthorizedAccessException)
            {
                total += Usage([process]).Memory;
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return total;
    }

    private static string[] Fields(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static long Number(string field) => long.Parse(field, CultureInfo.InvariantCulture);
}
