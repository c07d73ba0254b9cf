using System.Globalization;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>
/// Memory that the kernel keeps for processes beside their pages: tables of pages, pipes, Unix sockets and open files. Honest code needs
/// little of it; without a control group nothing else bounds it.
/// </summary>
/// <param name="Bytes">Its size, by estimate rather too much than too little.</param>
/// <param name="Sockets">The sockets among the open files.</param>
internal sealed record KernelMemory(long Bytes, int Sockets)
{
    private const long FileBytes = 1024;
    private const long PipeBytes = 2 * 4096;

    // What the pipes of an account may have beyond that; see pipe(7).
    private const long PipeExtra = 64L << 20;
    private const long LargestPipe = 1L << 20;
    private const string SocketPrefix = "socket:[";
    private const string PipePrefix = "pipe:[";
    private const string TablesPrefix = "VmPTE:";

    /// <summary>What is kept for some processes; those that are gone, or may not be looked at, have nothing.</summary>
    public static KernelMemory Of(IEnumerable<int> processes)
    {
        var (bytes, sockets, pipes) = (0L, new HashSet<ulong>(), new HashSet<ulong>());
        foreach (var process in processes)
        {
            try
            {
                bytes += Tables(File.ReadLines($"/proc/{process}/status"));
                foreach (var file in new DirectoryInfo($"/proc/{process}/fd").EnumerateFileSystemInfos())
                {
                    bytes += FileBytes;
                    Note(file.LinkTarget, sockets, pipes);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile, or belongs to somebody else.
            }
        }

        bytes += (pipes.Count * PipeBytes) + Math.Min(PipeExtra, pipes.Count * LargestPipe);
        return new KernelMemory(sockets.Count == 0 ? bytes : bytes + HeldBy(sockets), sockets.Count);
    }

    private static long HeldBy(HashSet<ulong> sockets)
        => UnixSockets.Held().Where(socket => sockets.Contains(socket.Key)).Sum(static socket => socket.Value);

    private static long Tables(IEnumerable<string> lines)
        => lines.FirstOrDefault(static line => line.StartsWith(TablesPrefix, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[TablesPrefix.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var size)
            ? size * 1024
            : 0;

    private static void Note(string? target, HashSet<ulong> sockets, HashSet<ulong> pipes)
    {
        foreach (var (prefix, set) in ((string, HashSet<ulong>)[])[(SocketPrefix, sockets), (PipePrefix, pipes)])
        {
            // The kernel's names for what is no file; .NET may put the folder before them.
            var start = target?.LastIndexOf(prefix, StringComparison.Ordinal) ?? -1;
            if (start >= 0 && ulong.TryParse(target.AsSpan(start + prefix.Length).TrimEnd(']'), CultureInfo.InvariantCulture, out var inode))
            {
                set.Add(inode);
            }
        }
    }
}
