using System.Diagnostics;
using System.Text.RegularExpressions;
using AiPlatform.Contracts.Identity;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>Programs that use a client of another language, each in a folder of its own, as a user with a token of its own.</summary>
internal static partial class ClientScript
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>The folder of a client.</summary>
    public static string Folder(string language) => Path.Combine(RepositoryFolders.Root, "functions", "clients", language);

    /// <summary>The blocks of a client's README, one after the other: a reader would paste them so.</summary>
    public static async Task<string> ReadmeAsync(string language, string fence, string project)
    {
        var readme = (await File.ReadAllTextAsync(Path.Combine(Folder(language), "README.md"))).ReplaceLineEndings("\n");
        var blocks = Blocks().Matches(readme).Where(match => match.Groups["language"].Value == fence).Select(static match => match.Groups["text"].Value).ToList();
        Assert.InRange(blocks.Count, 5, int.MaxValue);
        return string.Join('\n', blocks).Replace("handwriting", project, StringComparison.Ordinal);
    }

    /// <summary>Runs a program to its end; fails with its output.</summary>
    /// <param name="functions">The app.</param>
    /// <param name="program">The program.</param>
    /// <param name="file">The file of the script, which is the program's last argument.</param>
    /// <param name="script">The script.</param>
    /// <param name="prepare">Lays what the script needs into its folder, and into its environment.</param>
    /// <param name="arguments">Arguments before the script.</param>
    public static async Task RunAsync(FunctionsFixture functions, string program, string file, string script, Action<string, IDictionary<string, string?>> prepare, params string[] arguments)
    {
        var user = await functions.CreateUserAsync();
        var token = await user.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("client"));
        var folder = Directory.CreateTempSubdirectory("aip-client-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, file), script);
            var start = new ProcessStartInfo(program, [.. arguments, file]) { WorkingDirectory = folder };
            start.Environment["API"] = functions.App.Address.ToString();
            start.Environment["TOKEN"] = token.Token;
            prepare(folder, start.Environment);
            await RunAsync(start);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Runs a program to its end; fails with its output.</summary>
    public static async Task RunAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        var exit = process.WaitForExitAsync();
        var ended = await Task.WhenAny(exit, Task.Delay(Patience)) == exit;
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
        }

        Assert.True(ended && process.ExitCode == 0, await output + await errors);
    }

    [GeneratedRegex("^```(?<language>\\w+)\n(?<text>.*?)^```$", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline, 1000)]
    private static partial Regex Blocks();
}
