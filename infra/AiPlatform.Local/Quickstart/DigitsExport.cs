using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Quickstart;

/// <summary>Gets the handwritten digits out of scikit-learn.</summary>
internal static class DigitsExport
{
    /// <summary>The distribution's Python: the one that has scikit-learn.</summary>
    private const string Python = "/usr/bin/python3";

    /// <summary>Writes <c>digits.csv</c> into a folder that is created when missing.</summary>
    /// <exception cref="InvalidOperationException">Python or scikit-learn is missing; the message says what to do.</exception>
    public static async Task RunAsync(string folder, string logFile, CancellationToken cancellationToken)
    {
        if (!File.Exists(Python))
        {
            throw new InvalidOperationException($"{Python} is missing. Install it with: apt-get install python3 python3-sklearn python3-torch");
        }

        Directory.CreateDirectory(folder);
        using var log = new BoundedLog(logFile);
        var script = Path.Combine(RepositoryFolders.Root, "infra", "AiPlatform.Local", "Quickstart", "export_digits.py");
        using var export = await ChildProcess.StartAsync(new ChildCommand(Python, [script, folder]), log, cancellationToken).ConfigureAwait(false);
        await export.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (export.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"The digits could not be exported (apt-get install python3-sklearn, if it is missing); see {logFile}\n{log.Tail}");
        }
    }
}
