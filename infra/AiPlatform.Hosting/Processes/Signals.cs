using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AiPlatform.Hosting.Processes;

/// <summary>Sends signals to processes that this platform started.</summary>
public static partial class Signals
{
    /// <summary>SIGINT.</summary>
    public const int Interrupt = 2;

    /// <summary>SIGKILL.</summary>
    public const int Kill = 9;

    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    /// <summary>Sends a signal; false when the process is gone or belongs to somebody else.</summary>
    public static bool Send(int processId, int signal) => processId > 0 && NativeMethods.Kill(processId, signal) == 0;

    /// <summary>Asks a process to end, and kills it with its descendants when it has not ended in time.</summary>
    public static async Task EndAsync(Process process, int signal, TimeSpan patience)
    {
        if (process.HasExited)
        {
            return;
        }

        Send(process.Id, signal);
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static partial class NativeMethods
    {
        [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static partial int Kill(int processId, int signal);
    }
}
