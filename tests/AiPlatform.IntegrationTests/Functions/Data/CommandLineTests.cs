using AiPlatform.Cli;
using AiPlatform.IntegrationTests.Servers;
using Spectre.Console;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>The command line <c>aip</c> against a real API.</summary>
[Collection(ServersCollection.Name)]
public sealed class CommandLineTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>, IDisposable
{
    private static readonly string[] Variables = ["AIP_URL", "AIP_TOKEN", "AIP_PROJECT", "AIP_PASSWORD", "AIP_CONFIG"];

    private readonly string _config = Path.Combine(Path.GetTempPath(), $"aip-config-{Guid.NewGuid():N}", "config.json");

    public void Dispose()
    {
        Array.ForEach(Variables, static name => Environment.SetEnvironmentVariable(name, null));
        if (Directory.Exists(Path.GetDirectoryName(_config)))
        {
            Directory.Delete(Path.GetDirectoryName(_config)!, recursive: true);
        }
    }

    [Fact]
    public async Task A_dataset_goes_from_login_to_download()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        Environment.SetEnvironmentVariable("AIP_CONFIG", _config);
        Environment.SetEnvironmentVariable("AIP_PASSWORD", TestUser.Password);
        Assert.Contains("aip login", await FailAsync("dataset", "versions", "digits"), StringComparison.Ordinal);
        await RunAsync("login", "--url", functions.App.Address.ToString(), "--user", world.User.User.UserName);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_config));
        Assert.Contains("--project", await FailAsync("dataset", "versions", "digits"), StringComparison.Ordinal);
        Environment.SetEnvironmentVariable("AIP_PROJECT", world.ProjectId);

        await RunAsync("dataset", "create", "digits", "--description", "numbers", "--tag", "source=lab");
        world.Write("a.txt", "alpha"u8.ToArray());
        world.Write("sub/large.bin", DatasetWorld.RandomBytes(5 << 20, 1));
        Assert.Contains("2 files", await RunAsync("dataset", "upload", "digits", world.Folder, "-d", "first"), StringComparison.Ordinal);
        world.Write("b.txt", "beta"u8.ToArray());
        Assert.Contains(
            "saved 5.2 MB", await RunAsync("dataset", "upload", "digits", Path.Combine(world.Folder, "b.txt"), "--into", "new", "--parent", "1", "--remove", "a.txt"), StringComparison.Ordinal);
        var versions = await RunAsync("dataset", "versions", "digits");
        Assert.Contains("Ready", versions, StringComparison.Ordinal);
        var diff = await RunAsync("dataset", "diff", "digits", "2");
        Assert.Contains("new/b.txt", diff, StringComparison.Ordinal);
        Assert.Contains("1 added, 1 removed, 0 changed, 0 renamed, 1 unchanged", diff, StringComparison.Ordinal);
        Assert.Contains("digits@1", await RunAsync("dataset", "lineage", "digits", "2"), StringComparison.Ordinal);

        var target = Path.Combine(world.Folder, "download");
        await RunAsync("dataset", "download", "digits", "2", target);
        Assert.Equal("beta", await File.ReadAllTextAsync(Path.Combine(target, "new", "b.txt")));
        Assert.Equal(DatasetWorld.RandomBytes(5 << 20, 1), await File.ReadAllBytesAsync(Path.Combine(target, "sub", "large.bin")));
        await RunAsync("dataset", "download", "digits", "2", target, "--as", "zip");
        Assert.True(new FileInfo(Path.Combine(target, "digits-2.zip")).Length > 5 << 20);

        await RunAsync("dataset", "delete", "digits", "1");
        Assert.Contains("404", await FailAsync("dataset", "diff", "digits", "1"), StringComparison.Ordinal);
        Assert.Contains("NAME@VERSION/PATH", await FailAsync("dataset", "import", "digits", "--from-archive", "nonsense"), StringComparison.Ordinal);
        Assert.Contains("key=value", await FailAsync("dataset", "create", "other", "--tag", "nonsense"), StringComparison.Ordinal);
        Assert.Contains("no file or folder", await FailAsync("dataset", "upload", "digits", "/no/such/file"), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", await FailAsync("dataset", "versions", "digits", "--url", "http://127.0.0.1:1"), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_languages_have_the_same_texts()
        => Assert.Equal(Texts.Keys(chinese: false).Order(StringComparer.Ordinal), Texts.Keys(chinese: true).Order(StringComparer.Ordinal));

    private static async Task<string> RunAsync(params string[] args)
    {
        var (code, output) = await InvokeAsync(args);
        Assert.True(code == 0, $"{code}: {output}");
        return output;
    }

    private static async Task<string> FailAsync(params string[] args)
    {
        // A token of its own, as it would have to be for another address.
        Environment.SetEnvironmentVariable("AIP_TOKEN", args.Contains("--url") ? "none" : null);
        var (code, output) = await InvokeAsync(args);
        Environment.SetEnvironmentVariable("AIP_TOKEN", null);
        Assert.True(code == 1, $"{code}: {output}");
        return output;
    }

    private static async Task<(int Code, string Output)> InvokeAsync(string[] args)
    {
        await using var writer = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = 200;
        return (await AipCommand.RunAsync(args, console, CancellationToken.None), writer.ToString());
    }
}
