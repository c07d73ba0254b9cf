using System.Globalization;
using System.Text;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>A process as <c>/proc</c> shows it; the start time tells a reused id apart.</summary>
internal readonly record struct ProcessEntry(int Id, int ParentId, int Group, int Session, char State, ulong StartTime);

/// <summary>
/// All processes of a node, however they were started: by session, by descent and by the marker in their environment.
/// Children that fork twice become children of this process (see <see cref="BecomeSubreaper"/>), and are found again.
/// </summary>
internal static class ProcessTree
{
    /// <summary>The environment variable that marks every process of a node: <c>{job}-{attempt}-{node}</c>.</summary>
    public const string Marker = "AIP_NODE";

    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    /// <summary>SIGKILL.</summary>
    public const int KillSignal = 9;

    private static bool adopts;

    /// <summary>
    /// Adopts orphaned descendants from now on. Every child that this process did not start itself counts as part of a node then,
    /// even when it has left its session and cleared its environment.
    /// </summary>
    public static void BecomeSubreaper() => adopts = NativeMethods.ProcessControl(NativeMethods.PrSetChildSubreaper, 1, 0, 0, 0) == 0;

    /// <summary>Every process that can be read.</summary>
    public static List<ProcessEntry> Snapshot()
    {
        var entries = new List<ProcessEntry>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Read(id) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    /// <summary>One process; null when it is gone.</summary>
    public static ProcessEntry? Read(int id) => ReadText($"/proc/{id}/stat") is { } stat ? Parse(id, stat) : null;

    /// <summary>Parses a line of <c>/proc/[pid]/stat</c>; the command name may hold spaces and parentheses.</summary>
    internal static ProcessEntry? Parse(int id, string stat)
    {
        var end = stat.LastIndexOf(')');
        var fields = end < 0 ? [] : stat[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19
            ? new ProcessEntry(id, Number(fields[1]), Number(fields[2]), Number(fields[3]), fields[0][0], ulong.Parse(fields[19], CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>The job that a process belongs to; null for a foreign one.</summary>
    public static string? JobOf(int processId) => NodeOf(processId) is { } node && node.IndexOf('-') is > 0 and var end ? node[..end] : null;

    /// <summary>The node that a process is marked with.</summary>
    public static string? NodeOf(int processId)
    {
        if (ReadText($"/proc/{processId}/environ") is not { } environment)
        {
            return null;
        }

        const string prefix = Marker + "=";
        return environment.Split('\0').FirstOrDefault(static entry => entry.StartsWith(prefix, StringComparison.Ordinal)) is { } value
            ? value[prefix.Length..]
            : null;
    }

    /// <summary>The live processes of a node.</summary>
    /// <param name="node">The marker's value.</param>
    /// <param name="known">Processes that were seen before and may have shed their marker since; dead ones are removed, new ones added.</param>
    public static List<ProcessEntry> Find(string node, ISet<(int Id, ulong StartTime)> known)
    {
        lock (RankProcess.StartGate)
        {
            return FindLocked(node, known);
        }
    }

    /// <summary>
    /// Whether a process is one of the given ones, a descendant of one, or in its session. The marker does not count here: other job code
    /// can write it too.
    /// </summary>
    public static bool IsBelow(int processId, IReadOnlyCollection<ProcessEntry> roots)
    {
        const int MaxDepth = 1_000;
        var live = roots.Where(static root => Read(root.Id)?.StartTime == root.StartTime).Select(static root => root.Id).ToHashSet();
        var sessions = live.Select(static id => Read(id)?.Session ?? 0).ToHashSet();
        sessions.Remove(Read(Environment.ProcessId)?.Session ?? 0);
        var current = processId;
        for (var depth = 0; depth < MaxDepth && current > 1 && current != Environment.ProcessId && Read(current) is { } entry; depth++)
        {
            if (live.Contains(current) || sessions.Contains(entry.Session))
            {
                return true;
            }

            current = entry.ParentId;
        }

        return false;
    }

    /// <summary>Sends a signal to a process unless its id belongs to another one by now.</summary>
    public static void Signal(ProcessEntry entry, int signal)
    {
        if (Read(entry.Id) is { } now && now.StartTime == entry.StartTime)
        {
            _ = NativeMethods.Kill(entry.Id, signal);
        }
    }

    /// <summary>Ends a node's processes: TERM, after the grace KILL, until none is left. False when some survived the deadline.</summary>
    public static async Task<bool> EndAsync(
        string node, ISet<(int Id, ulong StartTime)> known, TimeSpan grace, TimeProvider time, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        var killAt = time.GetTimestamp();
        var termed = new HashSet<(int, ulong)>();
        while (true)
        {
            var live = Find(node, known);
            if (live.Count == 0)
            {
                return true;
            }

            var elapsed = time.GetElapsedTime(killAt);
            if (elapsed > grace + TimeSpan.FromSeconds(30))
            {
                return false;
            }

            foreach (var entry in live)
            {
                if (elapsed >= grace)
                {
                    Signal(entry, KillSignal);
                }
                else if (termed.Add((entry.Id, entry.StartTime)))
                {
                    Signal(entry, Terminate);
                }
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static List<ProcessEntry> FindLocked(string node, ISet<(int Id, ulong StartTime)> known)
    {
        var snapshot = Snapshot();
        var found = snapshot.Where(entry => known.Contains((entry.Id, entry.StartTime))).ToDictionary(static entry => entry.Id);
        var sessions = found.Values.Select(static entry => entry.Session).ToHashSet();
        sessions.Remove(Read(Environment.ProcessId)?.Session ?? 0);
        bool grown;
        do
        {
            grown = false;
            foreach (var entry in snapshot.Where(entry => entry.Id != Environment.ProcessId && !found.ContainsKey(entry.Id)))
            {
                if (found.ContainsKey(entry.ParentId) || sessions.Contains(entry.Session) || IsMarked(entry, node))
                {
                    found.Add(entry.Id, entry);
                    grown = true;
                }
            }
        }
        while (grown);

        known.Clear();
        known.UnionWith(found.Values.Select(static entry => (entry.Id, entry.StartTime)));
        ReapOrphans(found.Values);
        return [.. found.Values.Where(static entry => entry.State is not ('Z' or 'X'))];
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static bool IsMarked(ProcessEntry entry, string node)
    {
        var marker = NodeOf(entry.Id);
        return marker == node || (adopts && string.IsNullOrEmpty(marker) && entry.ParentId == Environment.ProcessId && !RankProcess.IsOwn(entry.Id));
    }

    // Zombies that became our children by adoption; those that .NET started are reaped by .NET.
    private static void ReapOrphans(IEnumerable<ProcessEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.State == 'Z' && entry.ParentId == Environment.ProcessId && !RankProcess.IsOwn(entry.Id))
            {
                _ = NativeMethods.WaitPid(entry.Id, out _, NativeMethods.WaitNoHang);
            }
        }
    }

    private static string? ReadText(string path)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // The process ended, or belongs to somebody else.
        }
    }
}
