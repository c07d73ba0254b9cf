using System.Globalization;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Sample;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>Looks at what a tree of processes uses, and says when that is too much.</summary>
/// <param name="limits">The limits.</param>
/// <param name="ranks">How many ranks the processes belong to.</param>
/// <param name="folders">Where they may write.</param>
/// <param name="time">The clock.</param>
/// <param name="sharedMemory">The folder in memory that they share at <c>/dev/shm</c>; null when each has one of its own, or the machine's.</param>
internal sealed class LimitWatch(JobLimits limits, int ranks, IReadOnlyList<string> folders, TimeProvider time, string? sharedMemory = null) : IDisposable
{
    /// <summary>The stable code at the start of each reason.</summary>
    public const string Code = "limit_exceeded";

    private static readonly TimeSpan ScratchRest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AlarmInterval = TimeSpan.FromMilliseconds(100);

    private readonly int _allowed = limits.Processes * ranks;
    private readonly long _memory = limits.MostMemory;
    private readonly ForkAlarm _alarm = new(limits.Processes * ranks);
    private readonly Dictionary<int, ProcessEntry> _namespaces = [];
    private readonly PacedMeasure<HeldFiles> _holding = new(TimeSpan.Zero, time);
    private readonly PacedMeasure<Scratch> _scratch = new(ScratchRest, time);
    private readonly PacedMeasure<KernelMemory> _keeping = new(TimeSpan.Zero, time);
    private HeldFiles _held = new();
    private KernelMemory _kept = new(0, 0);

    /// <summary>Waits until a look is due: after the interval, or when many processes come up.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (limits.Interval - time.GetElapsedTime(began) is { } left && left > TimeSpan.Zero && !_alarm.Rings())
        {
            await Task.Delay(left < AlarmInterval ? left : AlarmInterval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Which limit is exceeded; null while none is.</summary>
    /// <param name="started">The processes that the runner started.</param>
    /// <param name="node">The node, or the task, that they belong to.</param>
    /// <param name="known">As for <see cref="ProcessTree.Find"/>.</param>
    public async Task<string?> LookAsync(IReadOnlyCollection<ProcessEntry> started, string node, HashSet<(int Id, ulong StartTime)> known)
    {
        var (count, ids) = await WatchThread.RunAsync(() => Processes(started, node, known)).ConfigureAwait(false);
        return count > _allowed
            ? Reason("processes", $"{count} processes ran, {_allowed} are allowed")
            : await MemoryAsync(ids).ConfigureAwait(false) ?? await ScratchAsync(ids).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public void Dispose() => _alarm.Dispose();

    private static string Reason(string limit, FormattableString what)
        => $"{Code}: {limit}: {what.ToString(CultureInfo.InvariantCulture)}.";

    private (int Count, int[] Ids) Processes(IReadOnlyCollection<ProcessEntry> started, string node, HashSet<(int Id, ulong StartTime)> known)
    {
        // First what is told at once: a machine full of processes leaves little time to look at each.
        FindNamespaces(started);
        var count = _namespaces.Values.Sum(static first => RankNamespace.Count(first) ?? 0);
        if (count > _allowed)
        {
            // At once, on this thread: where the runner has no priority, each change to another one waits for its turn among all these
            // processes. What is over its limit gets no grace anyway.
            foreach (var first in _namespaces.Values)
            {
                ProcessTree.Signal(first, ProcessTree.KillSignal);
            }

            return (count, []);
        }

        if (_alarm.Rings())
        {
            count = ProcessTree.StopBeyond(_allowed, node, known);
            if (count > _allowed)
            {
                return (count, []);
            }
        }

        var processes = ProcessTree.Find(node, known);
        _alarm.Reset();
        return (processes.Count, [.. processes.Select(static entry => entry.Id)]);
    }

    private void FindNamespaces(IReadOnlyCollection<ProcessEntry> started)
    {
        foreach (var (rank, first) in _namespaces.Where(static pair => ProcessTree.Read(pair.Value.Id)?.StartTime != pair.Value.StartTime).ToList())
        {
            _namespaces.Remove(rank);
        }

        foreach (var rank in started.Where(rank => !_namespaces.ContainsKey(rank.Id)))
        {
            if (RankNamespace.FirstOf(rank.Id) is { } first)
            {
                _namespaces[rank.Id] = first;
            }
        }
    }

    private async Task<string?> MemoryAsync(int[] ids)
    {
        var shared = Shared();
        var devices = shared.Select(static use => use.Device).ToHashSet();
        var bytes = shared.Sum(static use => use.Bytes);
        var elsewhere = devices.ToHashSet();
        if (sharedMemory is not null && NativeMethods.UseOf(sharedMemory) is { Device: var device })
        {
            elsewhere.Add(device);
            bytes += ScratchUse.Of([sharedMemory], _memory, limits.ScratchFiles).Bytes;
        }

        _kept = await _keeping.TryTakeAsync(() => KernelMemory.Of(ids)).ConfigureAwait(false) ?? _kept;
        if (_kept.Sockets > limits.Sockets * ranks)
        {
            return Reason("sockets", $"the processes had {_kept.Sockets} sockets, {limits.Sockets * ranks} are allowed");
        }

        bytes += _kept.Bytes;
        _held = await _holding.TryTakeAsync(() => HeldFiles.Of(ids, devices, _memory)).ConfigureAwait(false) ?? _held;

        // The sum counts what is shared many times; only when that is too much, it is counted right.
        return bytes + _held.MemoryBytes + ProcReadings.Usage(ids).Memory > _memory
            && HeldFiles.Of(ids, devices, _memory) is var held && bytes + ProcReadings.SharedOutMemory(ids, elsewhere, held.Memory) is var used && used > _memory
            ? Reason("memory", $"the processes held {used} bytes, {_memory} are allowed")
            : null;
    }

    private List<(ulong Device, long Bytes)> Shared()
    {
        List<(ulong Device, long Bytes)> shared = [];
        foreach (var first in _namespaces.Values)
        {
            if (SandboxMemory.Of(first.Id) is { } use && !shared.Exists(other => other.Device == use.Device))
            {
                shared.Add(use);
            }
        }

        return shared;
    }

    // The result of the last walk that has ended; the walk itself goes on beside the looks. What is kept without a name is counted first: a
    // file that loses its name meanwhile is missed once, and never counted twice.
    private async Task<string?> ScratchAsync(int[] ids)
    {
        var scratch = await _scratch.TryTakeAsync(() => new Scratch(
            HeldFiles.Of(ids, new HashSet<ulong>(), limits.ScratchBytes).DiskBytes,
            ScratchUse.Of(folders, limits.ScratchBytes, limits.ScratchFiles))).ConfigureAwait(false);
        return scratch switch
        {
            { Held: var held, Use.Bytes: var bytes } when held + bytes > limits.ScratchBytes
                => Reason("disk", $"the workspace held {held + bytes} bytes, {limits.ScratchBytes} are allowed"),
            { Use.Files: var files } when files > limits.ScratchFiles => Reason("files", $"the workspace held {files} files, {limits.ScratchFiles} are allowed"),
            { Use.Depth: > ScratchUse.MaxDepth } => Reason("files", $"the workspace held folders in each other, {ScratchUse.MaxDepth} are allowed"),
            _ => null,
        };
    }

    private sealed record Scratch(long Held, ScratchUse Use);
}
