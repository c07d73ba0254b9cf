using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// The mark by which the kernel remembers whose a process is. All that job code starts inherits it, and no process can take the mark of
/// another node: with an account, it is a supplementary group, which cannot be given up either. In any case it is a pair of hard limits
/// without effect (<c>RLIMIT_LOCKS</c>, <c>RLIMIT_RSS</c>), one rising and one falling with the number: as hard limits can only be
/// lowered, whoever changes the pair ends with one that nobody has.
/// </summary>
/// <param name="Value">The group, and the number in the pair.</param>
internal readonly record struct NodeTag(uint Value)
{
    /// <summary>The limits' names in <c>/proc/[pid]/limits</c>.</summary>
    public const string Locks = "Max file locks";

    /// <inheritdoc cref="Locks"/>
    public const string Resident = "Max resident set";

    private const uint Lowest = 0x4000_0000;
    private const long LocksBase = 1L << 40;
    private const long ResidentTop = 1L << 61;

    /// <summary>The tag of a node or a task, the same in every life of the runner.</summary>
    public static NodeTag Of(string node)
        => new(Lowest | (BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(node))) & (Lowest - 1)));

    /// <summary>Arguments of prlimit(1).</summary>
    public IReadOnlyList<string> Limits
        =>
        [
            string.Create(CultureInfo.InvariantCulture, $"--locks={LocksBase + Value}"),
            string.Create(CultureInfo.InvariantCulture, $"--rss={ResidentTop - Value}"),
        ];

    /// <summary>The tag of a process; null when it has none, or is gone.</summary>
    public static NodeTag? Read(int processId)
    {
        try
        {
            return FromLimits(File.ReadLines($"/proc/{processId}/limits")) ?? FromStatus(File.ReadLines($"/proc/{processId}/status"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // It has ended meanwhile.
        }
    }

    /// <summary>The tag in the lines of <c>/proc/[pid]/limits</c>.</summary>
    internal static NodeTag? FromLimits(IEnumerable<string> lines)
    {
        var all = lines.ToList();
        return JobLimits.HardLimit(all, Locks) is { } locks && locks - LocksBase is >= Lowest and < 2L * Lowest and var value
            && JobLimits.HardLimit(all, Resident) == ResidentTop - value
            ? new NodeTag((uint)value)
            : null;
    }

    /// <summary>The tag among the groups in the lines of <c>/proc/[pid]/status</c>.</summary>
    internal static NodeTag? FromStatus(IEnumerable<string> lines)
    {
        const string prefix = "Groups:";
        var line = lines.FirstOrDefault(static line => line.StartsWith(prefix, StringComparison.Ordinal));
        foreach (var text in line?[prefix.Length..].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (uint.TryParse(text, CultureInfo.InvariantCulture, out var group) && group is >= Lowest and < 2 * Lowest)
            {
                return new NodeTag(group);
            }
        }

        return null;
    }
}
