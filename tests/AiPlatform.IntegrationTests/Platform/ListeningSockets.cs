using System.Globalization;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Which TCP ports a process listens on, from <c>/proc</c>.</summary>
internal static class ListeningSockets
{
    private const string Listening = "0A";

    /// <summary>The ports of a process and of its children.</summary>
    public static IEnumerable<int> Of(int process)
    {
        var inodes = Tree(process).SelectMany(Sockets).ToHashSet(StringComparer.Ordinal);
        return File.ReadLines("/proc/net/tcp").Concat(File.ReadLines("/proc/net/tcp6"))
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 9 && fields[3] == Listening && inodes.Contains(fields[9]))
            .Select(static fields => int.Parse(fields[1].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            .Distinct();
    }

    private static IEnumerable<int> Tree(int process)
    {
        yield return process;
        var file = $"/proc/{process}/task/{process}/children";
        foreach (var child in File.Exists(file) ? File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            foreach (var below in Tree(int.Parse(child, CultureInfo.InvariantCulture)))
            {
                yield return below;
            }
        }
    }

    private static IEnumerable<string> Sockets(int process)
    {
        var folder = new DirectoryInfo($"/proc/{process}/fd");
        return folder.Exists
            ? folder.EnumerateFileSystemInfos().Select(static entry => entry.LinkTarget).Where(static link => link?.StartsWith("socket:[", StringComparison.Ordinal) == true)
                .Select(static link => link!["socket:[".Length..^1]).ToList()
            : [];
    }
}
