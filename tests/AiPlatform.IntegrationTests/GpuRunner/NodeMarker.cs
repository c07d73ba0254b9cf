using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>Finds processes by what their environment says: another way than the runner's, which believes no environment.</summary>
internal static class NodeMarker
{
    /// <summary>The node that a process names; null when it names none, or cannot be read.</summary>
    public static string? Of(int processId)
    {
        const string prefix = "AIP_NODE=";
        try
        {
            return File.ReadAllText($"/proc/{processId}/environ").Split('\0').FirstOrDefault(entry => entry.StartsWith(prefix, StringComparison.Ordinal))?[prefix.Length..];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The account of a process, ended ones included; null when it is gone.</summary>
    public static uint? UserOf(int processId)
    {
        const string prefix = "Uid:\t";
        try
        {
            return File.ReadLines($"/proc/{processId}/status").FirstOrDefault(static line => line.StartsWith(prefix, StringComparison.Ordinal)) is { } line
                ? uint.Parse(line[prefix.Length..].Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture)
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The live processes that name a node.</summary>
    public static List<ProcessEntry> Live(string node) => [.. ProcessTree.Snapshot().Where(entry => entry.State != 'Z' && Of(entry.Id) == node)];
}
