using System.ComponentModel;
using System.Text.RegularExpressions;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// Tells whether a program could not be started only because the machine, or the account, had nothing left just then: processes, memory,
/// namespaces, descriptors. Then nothing of it has run, and starting it again may succeed. Job code that forges this is run again, some times.
/// </summary>
internal static partial class StartFailure
{
    private const int FirstSignal = 129;
    private static readonly int[] Codes = [11, 12, 23, 24]; // EAGAIN, ENOMEM, ENFILE, EMFILE

    /// <summary>Whether the kernel refused only for now.</summary>
    public static bool IsTemporary(Win32Exception exception) => Array.IndexOf(Codes, exception.NativeErrorCode) >= 0;

    /// <summary>Whether the programs of <see cref="JobIsolation.Command"/> ended before that which they start, only for now.</summary>
    /// <param name="exitCode">How the first of them ended.</param>
    /// <param name="output">All that they wrote, in the locale C.</param>
    public static bool IsTemporary(int exitCode, string output)
        => exitCode is > 0 and < FirstSignal && output.Length > 0
            && output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is { Length: <= 2 } lines
            && Array.TrueForAll(lines, static line => Line().IsMatch(line) && !(line.EndsWith(NoSpace, StringComparison.Ordinal) && AreForbidden()));

    private const string NoSpace = "No space left on device";

    // Where there may be none at all, the kernel says the same as where all are taken.
    private static bool AreForbidden()
    {
        const string limit = "/proc/sys/user/max_user_namespaces";
        return File.Exists(limit) && File.ReadAllText(limit).Trim() == "0";
    }

    [GeneratedRegex(
        @"^(/usr/bin/)?(setsid|nice|prlimit|setpriv|bwrap): .*: (Resource temporarily unavailable|Cannot allocate memory|Out of memory|Too many open files( in system)?|"
        + NoSpace + ")$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Line();
}
