using System.Globalization;
using System.Text;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>A process as <c>/proc</c> shows it; the start time tells a reused id apart.</summary>
internal readonly record struct ProcessEntry(int Id, int ParentId, int Group, int Session, char State, ulong StartTime);

/// <summary>
/// All processes of a node, however they were started: by descent, by session, and by the <see cref="NodeTag"/> that they cannot change.
/// What job code can write, such as its environment, says nothing. Children that fork twice become children of this process (see
/// <see cref="BecomeSubreaper"/>), and are found again.
/// </summary>
internal static class ProcessTree
{
    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    /// <summary>SIGKILL.</summary>
    public const int KillSignal = 9;

    private const int StopSignal = 19;
    private const int StopRounds = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static bool adopts;

    /// <summary>Adopts orphaned descendants from now on, so that none can slip away. Whose they are, their tags say.</summary>
    public static void BecomeSubreaper() => adopts = NativeMethods.ProcessControl(NativeMethods.PrSetChildSubreaper, 1, 0, 0, 0) == 0;

    /// <summary>Every process that can be read.</summary>
    public static List<ProcessEntry> Snapshot() => [.. Enumerate()];

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
    public static string? JobOf(int processId)
    {
        const int MaxDepth = 100;
        string? node = null;
        for (var (id, depth) = (processId, 0); node is null && id > 1 && depth < MaxDepth; depth++)
        {
            node = RankProcess.NodeOf(id);
            id = Read(id)?.ParentId ?? 0;
        }

        node ??= NodeTag.Read(processId) is { } tag ? RankProcess.Nodes.FirstOrDefault(other => NodeTag.Of(other) == tag) : null;
        return node?.IndexOf('-', StringComparison.Ordinal) is > 0 and var end ? node[..end] : null;
    }

    /// <summary>The live processes of a node.</summary>
    /// <param name="node">The node, or the task.</param>
    /// <param name="known">Processes that were found before, and may have left their parents since; dead ones are removed, new ones added.</param>
    /// <param name="inherited">Whether an earlier life of the runner started them: others have adopted what it left.</param>
    public static List<ProcessEntry> Find(string node, ISet<(int Id, ulong StartTime)> known, bool inherited = false)
    {
        lock (RankProcess.StartGate)
        {
            return FindLocked(node, known, inherited);
        }
    }

    /// <summary>
    /// Counts the live processes of a node in one pass, and stops them when they are too many: each that is stopped leaves more of the
    /// machine for finding the next. May miss some that <see cref="Find"/> finds; what was stopped has to be ended.
    /// </summary>
    /// <param name="allowed">So many are not too many.</param>
    public static int StopBeyond(int allowed, string node, IReadOnlyCollection<(int Id, ulong StartTime)> known)
    {
        lock (RankProcess.StartGate)
        {
            var first = known.Count == 0 ? 0 : known.Min(static process => process.StartTime);
            var tag = NodeTag.Of(node);
            var (ids, sessions, live) = (new HashSet<int>(), new HashSet<int>(), new List<ProcessEntry>());
            var own = Read(Environment.ProcessId)?.Session ?? 0;
            foreach (var entry in Enumerate().Where(entry => entry.StartTime >= first && entry.Id != Environment.ProcessId))
            {
                if (known.Contains((entry.Id, entry.StartTime)) || ids.Contains(entry.ParentId) || sessions.Contains(entry.Session) || NodeTag.Read(entry.Id) == tag)
                {
                    ids.Add(entry.Id);
                    _ = entry.Session != 0 && entry.Session != own && sessions.Add(entry.Session);
                    if (entry.State is not ('Z' or 'X'))
                    {
                        live.Add(entry);
                        live.Skip(live.Count == allowed + 1 ? 0 : Math.Max(allowed, live.Count - 1)).ToList().ForEach(static entry => Signal(entry, StopSignal));
                    }
                }
            }

            return live.Count;
        }
    }

    /// <summary>
    /// Whether a process is one of the given ones, a descendant of one, or in its session.
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
    /// <param name="inherited">As for <see cref="Find"/>.</param>
    public static async Task<bool> EndAsync(
        string node, ISet<(int Id, ulong StartTime)> known, TimeSpan grace, TimeProvider time, CancellationToken cancellationToken, bool inherited = false)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        var began = time.GetTimestamp();
        var termed = new HashSet<(int, ulong)>();
        while (!await WatchThread.RunAsync(() => End(node, () => Find(node, known, inherited), time.GetElapsedTime(began) < grace ? termed : null)).ConfigureAwait(false))
        {
            if (time.GetElapsedTime(began) > grace + Patience)
            {
                return false;
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    // True when none is left.
    private static bool End(string node, Func<List<ProcessEntry>> find, HashSet<(int, ulong)>? termed)
    {
        if (termed is null)
        {
            KillNamespaces(RankProcess.IdsOf(node));
        }

        var live = find();
        if (termed is null)
        {
            Kill(live, find);
        }
        else
        {
            live.Where(entry => termed.Add((entry.Id, entry.StartTime))).ToList().ForEach(static entry => Signal(entry, Terminate));
        }

        return live.Count == 0;
    }

    // Everything in a namespace ends with its first process, at once and however fast it forks.
    private static void KillNamespaces(IEnumerable<int> ranks)
    {
        foreach (var rank in ranks)
        {
            if (RankNamespace.FirstOf(rank) is { } first)
            {
                Signal(first, KillSignal);
            }
        }
    }

    // What is stopped forks no more, and keeps its place under the kernel's limit: in the end nothing is left that could fork. A signal to
    // a process group reaches all of it at once.
    private static void Kill(List<ProcessEntry> live, Func<List<ProcessEntry>> find)
    {
        const int Oldest = 128;
        KillNamespaces(live.OrderBy(static entry => entry.StartTime).Take(Oldest).Select(static entry => entry.Id));
        var stopped = new HashSet<(int, ulong)>();
        for (var round = 0; round < StopRounds && SignalFresh(live, StopSignal, stopped); round++)
        {
            live = find();
        }

        SignalFresh(live, KillSignal, []);
    }

    // False when there was none that had not got it.
    private static bool SignalFresh(List<ProcessEntry> live, int signal, HashSet<(int, ulong)> done)
    {
        var own = Read(Environment.ProcessId);
        var fresh = live.Where(entry => done.Add((entry.Id, entry.StartTime))).ToList();
        foreach (var group in fresh.Where(entry => entry.Group > 1 && entry.Session != 0 && entry.Session != own?.Session)
            .Select(static entry => entry.Group).Distinct())
        {
            _ = NativeMethods.Kill(-group, signal);
        }

        fresh.ForEach(entry => Signal(entry, signal));
        return fresh.Count > 0;
    }

    private static List<ProcessEntry> FindLocked(string node, ISet<(int Id, ulong StartTime)> known, bool inherited)
    {
        var snapshot = Snapshot();
        snapshot.RemoveAll(static entry => entry.Id == Environment.ProcessId);
        var ids = snapshot.Select(static entry => entry.Id).ToHashSet();
        var tag = NodeTag.Of(node);
        var roots = snapshot.Where(entry =>
            known.Contains((entry.Id, entry.StartTime)) || (IsOpen(entry, ids, inherited) && IsTagged(entry, tag, node)));
        var found = Descend(roots, snapshot);
        known.Clear();
        known.UnionWith(found.Select(static entry => (entry.Id, entry.StartTime)));
        found.ForEach(Reap);
        return [.. found.Where(static entry => entry.State is not ('Z' or 'X'))];
    }

    // The processes, their descendants, and all in their sessions: only a descendant can be in a session.
    private static List<ProcessEntry> Descend(IEnumerable<ProcessEntry> roots, List<ProcessEntry> snapshot)
    {
        var children = snapshot.ToLookup(static entry => entry.ParentId);
        var members = snapshot.ToLookup(static entry => entry.Session);
        var found = new Dictionary<int, ProcessEntry>();
        var next = new Queue<ProcessEntry>(roots);

        // No session, as far as this process sees, is 0; a process that has not got one of its own yet is in this process's.
        var sessions = new HashSet<int> { 0, Read(Environment.ProcessId)?.Session ?? 0 };
        while (next.TryDequeue(out var entry))
        {
            if (found.TryAdd(entry.Id, entry))
            {
                foreach (var other in children[entry.Id].Concat(sessions.Add(entry.Session) ? members[entry.Session] : []))
                {
                    next.Enqueue(other);
                }
            }
        }

        return [.. found.Values];
    }

    // Whether its parents do not tell whose it is: it was adopted, or its parent has just gone. Who adopts nothing has to look at all.
    private static bool IsOpen(ProcessEntry entry, HashSet<int> ids, bool inherited)
        => !adopts || inherited || (entry.ParentId == Environment.ProcessId ? !RankProcess.IsOwn(entry.Id) : entry.ParentId != 0 && !ids.Contains(entry.ParentId));

    private static bool IsTagged(ProcessEntry entry, NodeTag tag, string node)
    {
        if (NodeTag.Read(entry.Id) is { } own)
        {
            return own == tag;
        }

        if (!adopts || entry.ParentId != Environment.ProcessId || RankProcess.IsOwn(entry.Id))
        {
            return false;
        }

        // It was adopted and has shed its tag. It belongs to the only node that runs; among several it is nobody's, and ends.
        if (RankProcess.Nodes.All(other => other == node))
        {
            return true;
        }

        Signal(entry, KillSignal);
        Reap(entry);
        return false;
    }

    private static IEnumerable<ProcessEntry> Enumerate()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Read(id) is { } entry)
            {
                yield return entry;
            }
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    // A zombie that became our child by adoption; those that .NET started are reaped by .NET.
    private static void Reap(ProcessEntry entry)
    {
        if (entry.State == 'Z' && entry.ParentId == Environment.ProcessId && !RankProcess.IsOwn(entry.Id))
        {
            _ = NativeMethods.WaitPid(entry.Id, out _, NativeMethods.WaitNoHang);
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
