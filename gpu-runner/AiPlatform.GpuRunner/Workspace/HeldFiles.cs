using System.Globalization;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>
/// Files without a name that processes keep: removed while open or mapped, or made without one (<c>memfd_create</c>). No folder shows them,
/// and as long as they are kept they take disk or memory.
/// </summary>
internal sealed class HeldFiles
{
    private const string Removed = " (deleted)";
    private readonly Dictionary<(ulong Device, ulong Inode), long> _memory = [];
    private readonly Dictionary<(ulong Device, ulong Inode), long> _disk = [];

    /// <summary>Bytes on disks.</summary>
    public long DiskBytes => _disk.Values.Sum();

    /// <summary>Bytes in memory.</summary>
    public long MemoryBytes => _memory.Values.Sum();

    /// <summary>Bytes in memory of each file.</summary>
    public IReadOnlyDictionary<(ulong Device, ulong Inode), long> Memory => _memory;

    /// <summary>
    /// What processes keep; each file counts once. Mappings whose file is closed are seen only with the rights of root.
    /// </summary>
    /// <param name="processes">Their ids; those that are gone, or may not be looked at, keep nothing.</param>
    /// <param name="leftOut">File systems that are measured as a whole.</param>
    /// <param name="enough">No more is counted beyond so many bytes.</param>
    public static HeldFiles Of(IEnumerable<int> processes, IReadOnlySet<ulong> leftOut, long enough)
    {
        var held = new HeldFiles();
        foreach (var process in processes)
        {
            held.AddAll(() => Descriptors(process), leftOut, enough);
            held.AddAll(() => Mappings(process), leftOut, enough);
        }

        return held;
    }

    /// <summary>The mappings of nameless files, of the lines of <c>/proc/[pid]/maps</c>: the names that <c>map_files</c> has for them.</summary>
    internal static IEnumerable<string> RemovedOf(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            if (line.EndsWith(Removed, StringComparison.Ordinal) && line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var end)
            {
                // The kernel writes the addresses with leading zeros here, and without there.
                var range = line[..end].Split('-');
                yield return string.Create(CultureInfo.InvariantCulture, $"{Address(range[0]):x}-{Address(range[^1]):x}");
            }
        }
    }

    private static ulong Address(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private void AddAll(Func<IEnumerable<string>> paths, IReadOnlySet<ulong> leftOut, long enough)
    {
        try
        {
            foreach (var path in paths())
            {
                if (NativeMethods.NamelessFile(path) is { } file && !leftOut.Contains(file.Device))
                {
                    (file.InMemory ? _memory : _disk)[(file.Device, file.Inode)] = file.Bytes;
                    if (file.Bytes > enough)
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The process ended, or belongs to somebody else.
        }
    }

    private static IEnumerable<string> Descriptors(int process) => Directory.EnumerateFileSystemEntries($"/proc/{process}/fd");

    private static IEnumerable<string> Mappings(int process)
        => RemovedOf(File.ReadLines($"/proc/{process}/maps")).Select(name => $"/proc/{process}/map_files/{name}");
}
