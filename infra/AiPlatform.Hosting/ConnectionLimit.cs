namespace AiPlatform.Hosting;

/// <summary>
/// How many connections one server of a process takes, so that clients without a credential cannot take all its descriptors: a process that
/// gets no further one cannot reach its database either, and may end.
/// </summary>
public static class ConnectionLimit
{
    private const long Most = 10_000;
    private const string Limits = "/proc/self/limits";
    private const string Descriptors = "Max open files";

    /// <summary>For each server of a process that has two at most. A further connection is closed at once.</summary>
    public static long PerServer { get; } = File.Exists(Limits) ? Of(File.ReadLines(Limits)) : Most;

    /// <summary>Of the lines of <c>/proc/self/limits</c>: two fifths of the descriptors.</summary>
    internal static long Of(IEnumerable<string> lines)
        => lines.FirstOrDefault(static line => line.StartsWith(Descriptors, StringComparison.Ordinal))?[Descriptors.Length..]
                .Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..] && long.TryParse(soft, out var descriptors)
            ? Math.Clamp(descriptors / 5 * 2, 1, Most)
            : Most;
}
