using System.Globalization;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// The process namespace that a rank has entered. Its first process is the end of all in it: the kernel lets none survive it, and starts
/// none while it dies.
/// </summary>
internal static class RankNamespace
{
    /// <summary>The first process of the namespace that a process has made for its children; null when it has made none.</summary>
    public static ProcessEntry? FirstOf(int rank)
    {
        foreach (var child in Children(rank))
        {
            if (IsFirst(child) && ProcessTree.Read(child) is { } entry && entry.ParentId == rank)
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>How many processes are in a namespace, which costs far less than to look at each; null when it cannot be told.</summary>
    /// <param name="first">Its first process.</param>
    public static int? Count(ProcessEntry first)
    {
        const string Machine = "/proc";
        var inside = $"/proc/{first.Id}/root/proc";
        try
        {
            // The list of processes as those inside see it; until it has moved into its own files, it sees the machine's.
            return NativeMethods.UseOf(inside) is { Device: var device } && device != NativeMethods.UseOf(Machine)?.Device
                ? Directory.EnumerateDirectories(inside).Count(static path => char.IsAsciiDigit(Path.GetFileName(path)[0]))
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static List<int> Children(int parent)
    {
        try
        {
            return
            [
                .. File.ReadAllText($"/proc/{parent}/task/{parent}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(static text => int.Parse(text, CultureInfo.InvariantCulture)),
            ];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is gone, or the kernel keeps no such list.
            return [.. ProcessTree.Snapshot().Where(entry => entry.ParentId == parent).Select(static entry => entry.Id)];
        }
    }

    // Its number in this process's namespace comes first, that in its own last.
    private static bool IsFirst(int processId)
    {
        const string prefix = "NSpid:";
        try
        {
            var line = File.ReadLines($"/proc/{processId}/status").FirstOrDefault(static line => line.StartsWith(prefix, StringComparison.Ordinal));
            return line?[prefix.Length..].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is { Length: > 1 } ids && ids[^1] == "1";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
