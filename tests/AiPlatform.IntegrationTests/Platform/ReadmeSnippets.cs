using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using AiPlatform.Client;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Quickstart;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>
/// Runs what READMEs tell a reader to run. All shell blocks of a file are one script, as a reader would paste them one after the other
/// into one shell; a command that fails fails the test, and so does a request that is refused.
/// </summary>
internal static partial class ReadmeSnippets
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Runs the shell blocks of a README against a platform; a block that begins with one of <paramref name="except"/> is left out.</summary>
    public static Task RunAsync(RunningPlatform platform, string readme, params string[] except) => RunAsync(platform, [readme], except);

    /// <summary>Runs the shell blocks of READMEs that are read one after the other, in one shell.</summary>
    public static async Task RunAsync(RunningPlatform platform, IReadOnlyList<string> readmes, params string[] except)
    {
        var folder = Directory.CreateDirectory(Path.Combine(platform.Folder, "reader")).FullName;
        using var login = await CommandLineLogin.KeepAsync(
            platform.Platform.Endpoints, Path.Combine(folder, "command-line.json"), Path.Combine(folder, "aip", KeptLogin.LocalFileName), CancellationToken.None);
        var blocks = readmes.SelectMany(static readme => Blocks(File.ReadAllText(Path.Combine(RepositoryFolders.Root, readme)), "sh"))
            .Where(block => !except.Any(start => block.StartsWith(start, StringComparison.Ordinal))).ToList();
        Assert.NotEmpty(blocks);
        var runtime = Path.Combine(folder, "gpu-runner"); // as it is in the root of a checkout
        if (!Directory.Exists(runtime))
        {
            Directory.CreateSymbolicLink(runtime, Path.Combine(RepositoryFolders.Root, "gpu-runner"));
        }

        var script = Path.Combine(folder, "snippets.sh");
        await File.WriteAllTextAsync(script, $"set -euo pipefail\n{string.Join('\n', blocks.Select((block, i) => $"echo '== block {i + 1}'\n{block}"))}");
        await RunAsync(folder, "/bin/bash", [script], string.Join(", ", readmes));
    }

    /// <summary>Runs the Python blocks of a README as one script beside the training runtime.</summary>
    public static async Task RunPythonAsync(RunningPlatform platform, string readme, string preamble)
    {
        var folder = Directory.CreateDirectory(Path.Combine(platform.Folder, "reader")).FullName;
        var blocks = Blocks(await File.ReadAllTextAsync(Path.Combine(RepositoryFolders.Root, readme)), "python");
        var script = Path.Combine(folder, "snippets.py");
        await File.WriteAllTextAsync(script, preamble + string.Join('\n', blocks));
        await RunAsync(folder, "/usr/bin/python3", [script], readme, Path.Combine(RepositoryFolders.Root, "gpu-runner", "python"));
    }

    private static IReadOnlyList<string> Blocks(string markdown, string language)
        => [.. Fence().Matches(markdown.ReplaceLineEndings("\n")).Where(match => match.Groups["language"].Value == language).Select(match => match.Groups["text"].Value)];

    private static async Task RunAsync(string folder, string program, string[] arguments, string readme, string? pythonPath = null)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["PATH"] = $"{LinkCommandLine(folder)}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["AIP_CONFIG"] = Path.Combine(folder, "aip", "config.json");
        if (pythonPath is not null)
        {
            start.Environment["PYTHONPATH"] = pythonPath;
        }

        var output = new StringBuilder();
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await Task.WhenAll(CopyAsync(process.StandardOutput), CopyAsync(process.StandardError), process.WaitForExitAsync(patience.Token));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        Assert.True(process.ExitCode == 0, $"{readme}: {process.ExitCode}\n{output}");

        async Task CopyAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync(patience.Token) is { } line)
            {
                lock (output)
                {
                    output.AppendLine(line);
                }
            }
        }
    }

    // The command line as it was built for the tests, under the name that a reader types.
    private static string LinkCommandLine(string folder)
    {
        var link = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName, "aip");
        if (!File.Exists(link))
        {
            File.CreateSymbolicLink(link, Path.Combine(AppContext.BaseDirectory, "aip"));
        }

        return Path.GetDirectoryName(link)!;
    }

    [GeneratedRegex(@"^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fence();
}
