using System.Diagnostics;
using AiPlatform.Local.Processes;

namespace AiPlatform.Local.Platform;

/// <summary>
/// The child processes of the current start, on disk, so that the next start can end those that outlived a launcher which
/// was killed.
/// </summary>
internal sealed class ProcessRegister(string file)
{
    /// <summary>Replaces the list.</summary>
    public void Write(IEnumerable<ProcessIdentity> processes) => PrivateFile.Write(file, processes.ToArray());

    /// <summary>Ends every recorded process that still is the one that was recorded.</summary>
    public void EndSurvivors()
    {
        foreach (var survivor in (PrivateFile.Read<ProcessIdentity[]>(file) ?? []).Where(process => process.IsRunning()))
        {
            try
            {
                using var process = Process.GetProcessById(survivor.Id);
                process.Kill(entireProcessTree: true);
                process.WaitForExit(TimeSpan.FromSeconds(5));
            }
            catch (ArgumentException)
            {
                // It ended between the look and the kill.
            }
        }
    }
}
