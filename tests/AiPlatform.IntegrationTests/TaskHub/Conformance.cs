using System.Diagnostics;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Runs the scripts of <c>tests/conformance</c>, which use the official JavaScript SDK.</summary>
internal static class Conformance
{
    /// <summary>Starts a script against a hub; its output is discarded unless it is read.</summary>
    public static Process Start(string script, int port, params string[] nodeArguments)
    {
        var directory = FindDirectory();
        InstallOnce(directory);
        var start = new ProcessStartInfo("node") { WorkingDirectory = directory, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in nodeArguments.Append(script))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["TASKHUB_ADDRESS"] = $"127.0.0.1:{port}";
        return Process.Start(start)!;
    }

    private static void InstallOnce(string directory)
    {
        if (Directory.Exists(Path.Combine(directory, "node_modules", "@microsoft", "durabletask-js")))
        {
            return;
        }

        using var install = Process.Start(new ProcessStartInfo("npm", "ci --no-audit --no-fund") { WorkingDirectory = directory })!;
        install.WaitForExit();
        Assert.Equal(0, install.ExitCode);
    }

    private static string FindDirectory()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = Path.Combine(directory.FullName, "tests", "conformance");
            if (File.Exists(Path.Combine(candidate, "package.json")))
            {
                return candidate;
            }
        }

        throw new DirectoryNotFoundException("tests/conformance is not above the test's directory.");
    }
}
