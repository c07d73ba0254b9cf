using System.Diagnostics;
using System.Text.RegularExpressions;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests;

/// <summary>Shell blocks of a README, run in a folder of their own as a reader would run them, with addresses of the test in place of those that they name.</summary>
internal static partial class ReadmeShell
{
    private const string Run = "dotnet run --project ";

    /// <summary>The blocks of a language, in their order.</summary>
    public static async Task<IReadOnlyList<string>> BlocksAsync(string readme, string language)
        => [.. Fence().Matches((await File.ReadAllTextAsync(Path.Combine(RepositoryFolders.Root, readme))).ReplaceLineEndings("\n"))
            .Where(match => match.Groups["language"].Value == language).Select(static match => match.Groups["text"].Value)];

    /// <summary>Starts a block; <c>dotnet run</c> takes what the tests have built.</summary>
    /// <param name="folder">Where the reader is.</param>
    /// <param name="replacements">What is written in the README, and what stands for it here.</param>
    public static Process Start(string block, string folder, params (string Old, string With)[] replacements)
    {
        var commands = replacements.Append((Run, $"dotnet run --no-build --project {RepositoryFolders.Root}/")).Aggregate(block, static (text, pair) => Replaced(text, pair.Item1, pair.Item2));
        return Process.Start(new ProcessStartInfo("/bin/bash", ["-c", $"set -euo pipefail\n{commands}"])
        {
            UseShellExecute = false, WorkingDirectory = folder, RedirectStandardOutput = true,
        })!;
    }

    private static string Replaced(string text, string old, string with)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, with, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fence();
}
