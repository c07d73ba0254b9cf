using System.Globalization;

namespace AiPlatform.Bench.Platform;

/// <summary>What <c>/proc</c> says about processes.</summary>
internal static class ProcFileSystem
{
    /// <summary>A process and its descendants.</summary>
    public static IReadOnlyList<int> Tree(int root)
    {
        var children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Parent: Parent(id)))
            .ToLookup(process => process.Parent, process => process.Id);
        var tree = new List<int> { root };
        for (var i = 0; i < tree.Count; i++)
        {
            tree.AddRange(children[tree[i]]);
        }

        return tree;
    }

    /// <summary>Resident bytes, shared pages divided among their users (PSS); 0 when the process is gone.</summary>
    public static (string Name, long Rss, long Pss) Memory(int processId)
    {
        try
        {
            var lines = File.ReadAllLines($"/proc/{processId}/smaps_rollup");
            return (File.ReadAllText($"/proc/{processId}/comm").Trim(), Field(lines, "Rss:"), Field(lines, "Pss:"));
        }
        catch (IOException)
        {
            // It ended between the listing and the look.
            return ("", 0, 0);
        }
    }

    /// <summary>Processor seconds that a process has used, and its name; 0 when it is gone.</summary>
    public static (string Name, double Seconds) Processor(int processId)
    {
        const double ticksPerSecond = 100; // USER_HZ, the same on every Linux that .NET runs on
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            var end = stat.LastIndexOf(')');
            var fields = stat[(end + 2)..].Split(' ');
            return (
                stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..end],
                (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / ticksPerSecond);
        }
        catch (IOException)
        {
            return ("", 0);
        }
    }

    /// <summary>The environment that a process was started with.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Environment(int processId)
        => File.ReadAllText($"/proc/{processId}/environ")
            .Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(entry => entry.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .Select(pair => KeyValuePair.Create(pair[0], pair[1]));

    private static int Parent(int id)
    {
        try
        {
            // The name in parentheses may hold anything; the parent is the second field after it.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static long Field(string[] lines, string name)
        => lines.Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
            .FirstOrDefault();
}
