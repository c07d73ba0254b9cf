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
    /// <param name="leftOut">File systems whose files are counted elsewhere.</param>
    /// <param name="held">Bytes of files in memory that they keep: whatever part of such a file is mapped, it counts whole.</param>
    public static long SharedOutMemory(
        IEnumerable<int> processes, IReadOnlySet<ulong> leftOut, IReadOnlyDictionary<(ulong Device, ulong Inode), long> held)
    {
        var total = 0L;
        var mapped = new Dictionary<(ulong Device, ulong Inode), long>();
        foreach (var process in processes)
        {
            try
            {
                total += Resident(File.ReadLines($"/proc/{process}/smaps"), leftOut, held, mapped);
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

        return total + held.Sum(file => Math.Max(file.Value, mapped.GetValueOrDefault(file.Key)));
    }

    /// <summary>The shares of a process in the pages that it maps, of the lines of <c>/proc/[pid]/smaps</c>.</summary>
    /// <param name="mapped">Where the shares of held files are added to; they are not in the sum.</param>
    internal static long Resident(
        IEnumerable<string> lines, IReadOnlySet<ulong> leftOut, IReadOnlyDictionary<(ulong Device, ulong Inode), long> held,
        Dictionary<(ulong Device, ulong Inode), long> mapped)
    {
        const string share = "Pss:";
        var total = 0L;
        (ulong Device, ulong Inode) file = default;
        foreach (var line in lines)
        {
            if (line.StartsWith(share, StringComparison.Ordinal))
            {
                var bytes = Number(Fields(line)[1]) * 1024;
                if (held.ContainsKey(file))
                {
                    mapped[file] = mapped.GetValueOrDefault(file) + bytes;
                }
                else if (file.Inode == 0 || !leftOut.Contains(file.Device))
                {
                    total += bytes;
                }
            }
            else if (line[0] is (>= '0' and <= '9') or (>= 'a' and <= 'f'))
            {
                // 7f3d5e000000-7f3d5e021000 rw-p 00000000 00:1f 1234  /dev/shm/x: a mapping; its numbers follow, with capital letters in front.
                var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
                var device = fields[3].Split(':');
                file = ((ulong.Parse(device[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) << 32)
                    | ulong.Parse(device[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture), ulong.Parse(fields[4], CultureInfo.InvariantCulture));
            }
        }

        return total;
    }

    private static string[] Fields(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static long Number(string field) => long.Parse(field, CultureInfo.InvariantCulture);
}
