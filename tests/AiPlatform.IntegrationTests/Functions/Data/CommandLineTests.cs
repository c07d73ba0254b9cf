using AiPlatform.Cli;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>The command line <c>aip</c> against a real API.</summary>
[Collection(ServersCollection.Name)]
public sealed class CommandLineTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>, IDisposable
{
    private readonly AipCommandLine _aip = new();

    public void Dispose() => _aip.Dispose();

    [Fact]
    public async Task A_dataset_goes_from_login_to_download()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        Environment.SetEnvironmentVariable("AIP_PASSWORD", TestUser.Password);
        Assert.Contains("aip login", await AipCommandLine.FailAsync("dataset", "versions", "digits"), StringComparison.Ordinal);
        await AipCommandLine.RunAsync("login", "--url", functions.App.Address.ToString(), "--user", world.User.User.UserName);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_aip.ConfigFile));
        Assert.Contains("--project", await AipCommandLine.FailAsync("dataset", "versions", "digits"), StringComparison.Ordinal);
        Environment.SetEnvironmentVariable("AIP_PROJECT", world.ProjectId);

        await AipCommandLine.RunAsync("dataset", "create", "digits", "--description", "numbers", "--tag", "source=lab");
        world.Write("a.txt", "alpha"u8.ToArray());
        world.Write("sub/large.bin", DatasetWorld.RandomBytes(5 << 20, 1));
        Assert.Contains("2 files", await AipCommandLine.RunAsync("dataset", "upload", "digits", world.Folder, "-d", "first"), StringComparison.Ordinal);
        world.Write("b.txt", "beta"u8.ToArray());
        Assert.Contains(
            "saved 5.2 MB", await AipCommandLine.RunAsync("dataset", "upload", "digits", Path.Combine(world.Folder, "b.txt"), "--into", "new", "--parent", "1", "--remove", "a.txt"), StringComparison.Ordinal);
        var versions = await AipCommandLine.RunAsync("dataset", "versions", "digits");
        Assert.Contains("Ready", versions, StringComparison.Ordinal);
        var diff = await AipCommandLine.RunAsync("dataset", "diff", "digits", "2");
        Assert.Contains("new/b.txt", diff, StringComparison.Ordinal);
        Assert.Contains("1 added, 1 removed, 0 changed, 0 renamed, 1 unchanged", diff, StringComparison.Ordinal);
        Assert.Contains("digits@1", await AipCommandLine.RunAsync("dataset", "lineage", "digits", "2"), StringComparison.Ordinal);

        var target = Path.Combine(world.Folder, "download");
        await AipCommandLine.RunAsync("dataset", "download", "digits", "2", target);
        Assert.Equal("beta", await File.ReadAllTextAsync(Path.Combine(target, "new", "b.txt")));
        Assert.Equal(DatasetWorld.RandomBytes(5 << 20, 1), await File.ReadAllBytesAsync(Path.Combine(target, "sub", "large.bin")));
        await AipCommandLine.RunAsync("dataset", "download", "digits", "2", target, "--as", "zip");
        Assert.True(new FileInfo(Path.Combine(target, "digits-2.zip")).Length > 5 << 20);

        await AipCommandLine.RunAsync("dataset", "delete", "digits", "1");
        Assert.Contains("404", await AipCommandLine.FailAsync("dataset", "diff", "digits", "1"), StringComparison.Ordinal);
        Assert.Contains("NAME@VERSION/PATH", await AipCommandLine.FailAsync("dataset", "import", "digits", "--from-archive", "nonsense"), StringComparison.Ordinal);
        Assert.Contains("key=value", await AipCommandLine.FailAsync("dataset", "create", "other", "--tag", "nonsense"), StringComparison.Ordinal);
        Assert.Contains("no file or folder", await AipCommandLine.FailAsync("dataset", "upload", "digits", "/no/such/file"), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", await AipCommandLine.FailAsync("dataset", "versions", "digits", "--url", "http://127.0.0.1:1"), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_languages_have_the_same_texts()
        => Assert.Equal(Texts.Keys(chinese: false).Order(StringComparer.Ordinal), Texts.Keys(chinese: true).Order(StringComparer.Ordinal));
}
