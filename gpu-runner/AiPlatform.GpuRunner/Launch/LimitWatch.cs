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
internal sealed class LimitWatch(JobLimits limits, int ranks, IReadOnlyList<string> folders, TimeProvider time)
{
    /// <summary>The stable code at the start of each reason.</summary>
    public const string Code = "limit_exceeded";

    // Walking a large workspace costs; it is done for at most a tenth of the time.
    private const int RestFactor = 10;
    private static readonly TimeSpan ScratchRest = TimeSpan.FromSeconds(5);

    private readonly long _memory = limits.MemoryBytes ?? DeviceDetector.Memory().Total / 10 * 9;
    private Task<ScratchUse>? _walk;
    private long _walkBegan;
    private DateTimeOffset _nextWalk;

    /// <summary>Which limit is exceeded; null while none is.</summary>
    public async Task<string?> LookAsync(IReadOnlyCollection<ProcessEntry> processes)
    {
        var allowed = limits.Processes * ranks;
        if (processes.Count > allowed)
        {
            return Reason("processes", $"{processes.Count} processes ran, {allowed} are allowed");
        }

        var ids = processes.Select(static entry => entry.Id).ToArray();
        if (ProcReadings.Usage(ids).Memory > _memory && ProcReadings.SharedOutMemory(ids) is var used && used > _memory)
        {
            return Reason("memory", $"the processes held {used} bytes, {_memory} are allowed");
        }

        return await ScratchAsync().ConfigureAwait(false) switch
        {
            { Bytes: var bytes } when bytes > limits.ScratchBytes => Reason("disk", $"the workspace held {bytes} bytes, {limits.ScratchBytes} are allowed"),
            { Files: var files } when files > limits.ScratchFiles => Reason("files", $"the workspace held {files} files, {limits.ScratchFiles} are allowed"),
            { Depth: > ScratchUse.MaxDepth } => Reason("files", $"the workspace held folders in each other, {ScratchUse.MaxDepth} are allowed"),
            _ => null,
        };
    }

    private static string Reason(string limit, FormattableString what)
        => $"{Code}: {limit}: {what.ToString(CultureInfo.InvariantCulture)}.";

    // The result of the last walk that has ended; the walk itself goes on beside the looks.
    private async Task<ScratchUse> ScratchAsync()
    {
        if (_walk is null)
        {
            if (time.GetUtcNow() < _nextWalk)
            {
                return default;
            }

            _walkBegan = time.GetTimestamp();
            _walk = Task.Run(() => ScratchUse.Of(folders, limits.ScratchBytes, limits.ScratchFiles));
        }

        if (!_walk.IsCompleted)
        {
            return default;
        }

        var result = await _walk.ConfigureAwait(false);
        var took = time.GetElapsedTime(_walkBegan) * RestFactor;
        _nextWalk = time.GetUtcNow() + (took > ScratchRest ? took : ScratchRest);
        _walk = null;
        return result;
    }
}
