using AiPlatform.Cli;
using Spectre.Console;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>The command line <c>aip</c> in this process, with settings of its own in the environment until it is disposed.</summary>
internal sealed class AipCommandLine : IDisposable
{
    private static readonly string[] Variables = ["AIP_URL", "AIP_TOKEN", "AIP_PROJECT", "AIP_PASSWORD", "AIP_CONFIG"];

    public AipCommandLine() => Environment.SetEnvironmentVariable("AIP_CONFIG", ConfigFile);

    /// <summary>Where it keeps its login.</summary>
    public string ConfigFile { get; } = Path.Combine(Path.GetTempPath(), $"aip-config-{Guid.NewGuid():N}", "config.json");

    /// <summary>Logs in, and works in a project from now on.</summary>
    public static async Task LoginAsync(Uri api, string userName, string project)
    {
        Environment.SetEnvironmentVariable("AIP_PASSWORD", TestUser.Password);
        await RunAsync("login", "--url", api.ToString(), "--user", userName);
        Environment.SetEnvironmentVariable("AIP_PROJECT", project);
    }

    /// <summary>What a command prints that has to succeed.</summary>
    public static async Task<string> RunAsync(params string[] args)
    {
        var (code, output) = await InvokeAsync(args);
        Assert.True(code == 0, $"{code}: {output}");
        return output;
    }

    /// <summary>What a command that has to succeed prints on a terminal of that width.</summary>
    public static async Task<string> RunInAsync(int width, params string[] args)
    {
        var (code, output) = await InvokeAsync(args, width);
        Assert.True(code == 0, $"{code}: {output}");
        return output;
    }

    /// <summary>What a command prints that has to fail.</summary>
    public static async Task<string> FailAsync(params string[] args)
    {
        // A token of its own, as it would have to be for another address.
        Environment.SetEnvironmentVariable("AIP_TOKEN", args.Contains("--url") ? "none" : null);
        var (code, output) = await InvokeAsync(args);
        Environment.SetEnvironmentVariable("AIP_TOKEN", null);
        Assert.True(code == 1, $"{code}: {output}");
        return output;
    }

    public void Dispose()
    {
        Array.ForEach(Variables, static name => Environment.SetEnvironmentVariable(name, null));
        if (Directory.Exists(Path.GetDirectoryName(ConfigFile)))
        {
            Directory.Delete(Path.GetDirectoryName(ConfigFile)!, recursive: true);
        }
    }

    private static async Task<(int Code, string Output)> InvokeAsync(string[] args, int width = 200)
    {
        var (code, output, errors) = await RunApartAsync(args, width);
        return (code, output + errors);
    }

    /// <summary>What a command writes to the standard output and to the standard error.</summary>
    public static async Task<(int Code, string Output, string Errors)> RunApartAsync(string[] args, int width = 200)
    {
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        return (await AipCommand.RunAsync(args, ConsoleOf(output, width), ConsoleOf(errors, width), CancellationToken.None), output.ToString(), errors.ToString());
    }

    private static IAnsiConsole ConsoleOf(StringWriter writer, int width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width;
        return console;
    }
}
