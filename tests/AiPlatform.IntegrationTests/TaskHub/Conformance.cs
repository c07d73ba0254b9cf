using System.Diagnostics;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Runs the scripts of <c>tests/conformance</c>, which use SDKs that others wrote.</summary>
internal static class Conformance
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly string[] Packages = ["@microsoft/durabletask-js", "@opentelemetry/exporter-trace-otlp-proto", "mlflow", "parquet-wasm", "hyparquet-writer", "apache-arrow"];

    /// <summary>Runs a script's tests to their end; fails with their output.</summary>
    public static async Task RunAsync(string script, params (string Name, string Value)[] environment)
    {
        using var node = Start(script, environment, "--test", "--test-reporter=spec", "--test-timeout=60000");
        var output = node.StandardOutput.ReadToEndAsync();
        var errors = node.StandardError.ReadToEndAsync();
        var exit = node.WaitForExitAsync();
        var ended = await Task.WhenAny(exit, Task.Delay(Patience)) == exit;
        if (!ended)
        {
            node.Kill(entireProcessTree: true);
        }

        Assert.True(ended && node.ExitCode == 0, await output + await errors);
    }

    /// <summary>Starts a script against a hub; its output is discarded unless it is read.</summary>
    public static Process Start(string script, int port, params string[] nodeArguments) => Start(script, [("TASKHUB_ADDRESS", $"127.0.0.1:{port}"), ("TASKHUB_KEY", HubHarness.AccessKey)], nodeArguments);

    private static Process Start(string script, (string Name, string Value)[] environment, params string[] nodeArguments)
    {
        var start = Prepare([.. nodeArguments, script]);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Starts a script with arguments of its own.</summary>
    public static Process Start(string script, IEnumerable<string> arguments) => Process.Start(Prepare([script, .. arguments]))!;

    private static ProcessStartInfo Prepare(IEnumerable<string> arguments)
    {
        var directory = FindDirectory();
        InstallOnce(directory);
        return new ProcessStartInfo("node", arguments) { WorkingDirectory = directory, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
    }

    private static void InstallOnce(string directory)
    {
        if (Array.TrueForAll(Packages, package => Directory.Exists(Path.Combine(directory, "node_modules", package))))
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
