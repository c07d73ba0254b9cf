using AiPlatform.Local.Processes;

namespace AiPlatform.Local.Servers;

/// <summary>A folder with a package.json and a lock file whose packages are installed on first use.</summary>
internal static class NodePackage
{
    private static readonly SemaphoreSlim OneAtATime = new(1);

    /// <summary>Runs <c>npm ci</c> unless the packages of this very lock file are installed already.</summary>
    /// <exception cref="InvalidOperationException">npm is missing or failed; the message says what to do.</exception>
    public static async Task EnsureInstalledAsync(string folder, CancellationToken cancellationToken)
    {
        await OneAtATime.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await InstallAsync(folder, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    private static async Task InstallAsync(string folder, CancellationToken cancellationToken)
    {
        var lockFile = await File.ReadAllTextAsync(Path.Combine(folder, "package-lock.json"), cancellationToken).ConfigureAwait(false);
        var stamp = Path.Combine(folder, "node_modules", ".installed-lock.json");
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp, cancellationToken).ConfigureAwait(false) == lockFile)
        {
            return;
        }

        using var log = new BoundedLog(Path.Combine(Path.GetTempPath(), $"aip-npm-{Environment.ProcessId}.log"));
        try
        {
            using var npm = await StartAsync(folder, log, cancellationToken).ConfigureAwait(false);
            await npm.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            if (npm.ExitCode != 0)
            {
                throw new InvalidOperationException($"npm ci failed in {folder}:\n{log.Tail}");
            }

            await File.WriteAllTextAsync(stamp, lockFile, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(log.Path);
        }
    }

    private static async Task<ChildProcess> StartAsync(string folder, BoundedLog log, CancellationToken cancellationToken)
    {
        var npm = ExecutableSearch.Find("npm")
            ?? throw new InvalidOperationException("npm is missing. Install Node.js 20 or later (nodejs.org, or your distribution's package).");
        return await ChildProcess.StartAsync(
            new ChildCommand(npm, ["ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]) { WorkingDirectory = folder },
            log,
            cancellationToken).ConfigureAwait(false);
    }
}
