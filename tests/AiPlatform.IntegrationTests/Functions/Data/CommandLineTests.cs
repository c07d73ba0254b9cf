using AiPlatform.Cli;
using AiPlatform.Client;
using AiPlatform.Contracts.Identity;
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
        Assert.Contains("the files are those of version 1", await AipCommandLine.RunAsync("dataset", "upload", "digits", world.Folder), StringComparison.Ordinal);
        await AipCommandLine.RunAsync("dataset", "delete", "digits", "2");
        world.Write("b.txt", "beta"u8.ToArray());
        Assert.Contains(
            "saved 5.2 MB", await AipCommandLine.RunAsync("dataset", "upload", "digits", Path.Combine(world.Folder, "b.txt"), "--into", "new", "--parent", "1", "--remove", "a.txt"), StringComparison.Ordinal);
        var versions = await AipCommandLine.RunAsync("dataset", "versions", "digits");
        Assert.Contains("Ready", versions, StringComparison.Ordinal);
        var diff = await AipCommandLine.RunAsync("dataset", "diff", "digits", "3");
        Assert.Contains("new/b.txt", diff, StringComparison.Ordinal);
        Assert.Contains("1 added, 1 removed, 0 changed, 0 renamed, 1 unchanged", diff, StringComparison.Ordinal);
        Assert.Contains("digits@1", await AipCommandLine.RunAsync("dataset", "lineage", "digits", "3"), StringComparison.Ordinal);

        var target = Path.Combine(world.Folder, "download");
        await AipCommandLine.RunAsync("dataset", "download", "digits", "3", target);
        Assert.Equal("beta", await File.ReadAllTextAsync(Path.Combine(target, "new", "b.txt")));
        Assert.Equal(DatasetWorld.RandomBytes(5 << 20, 1), await File.ReadAllBytesAsync(Path.Combine(target, "sub", "large.bin")));
        await AipCommandLine.RunAsync("dataset", "download", "digits", "3", target, "--as", "zip");
        Assert.True(new FileInfo(Path.Combine(target, "digits-3.zip")).Length > 5 << 20);

        await AipCommandLine.RunAsync("dataset", "delete", "digits", "1");
        Assert.Contains("404", await AipCommandLine.FailAsync("dataset", "diff", "digits", "1"), StringComparison.Ordinal);
        Assert.Contains("NAME@VERSION/PATH", await AipCommandLine.FailAsync("dataset", "import", "digits", "--from-archive", "nonsense"), StringComparison.Ordinal);
        Assert.Contains("key=value", await AipCommandLine.FailAsync("dataset", "create", "other", "--tag", "nonsense"), StringComparison.Ordinal);
        Assert.Contains("no file or folder", await AipCommandLine.FailAsync("dataset", "upload", "digits", "/no/such/file"), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", await AipCommandLine.FailAsync("dataset", "versions", "digits", "--url", "http://127.0.0.1:1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_platform_on_this_machine_needs_no_login_and_what_was_done_last_is_meant()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        Assert.Contains("infra/up", await AipCommandLine.FailAsync("env"), StringComparison.Ordinal);
        var token = (await world.Api.CreateAccessTokenAsync(new CreateAccessTokenRequest("local"), default)).Token;
        new KeptLogin("http://127.0.0.1:1", "other").Write(_aip.ConfigFile);
        File.SetLastWriteTimeUtc(_aip.ConfigFile, DateTime.UtcNow.AddMinutes(-1));
        new KeptLogin(functions.App.Address.ToString(), token).Write(KeptLogin.LocalFile);
        Environment.SetEnvironmentVariable("AIP_PROJECT", world.ProjectId);
        await AipCommandLine.RunAsync("dataset", "create", "digits");
        var variables = await AipCommandLine.RunAsync("env");
        Assert.Contains($"export API='{functions.App.Address.ToString().TrimEnd('/')}'", variables, StringComparison.Ordinal);
        Assert.Contains($"export TOKEN='{token}'", variables, StringComparison.Ordinal);
        Assert.Contains($"/p/{world.ProjectId}'", variables, StringComparison.Ordinal);

        File.SetLastWriteTimeUtc(_aip.ConfigFile, DateTime.UtcNow.AddMinutes(1));
        Assert.Contains("http://127.0.0.1:1'", await AipCommandLine.RunAsync("env"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_without_a_terminal_takes_the_password_from_standard_input_or_says_how()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        string[] login = ["login", "--url", functions.App.Address.ToString(), "--user", world.User.User.UserName];
        Assert.Contains("--password-stdin", await AipCommandLine.FailAsync(login), StringComparison.Ordinal);
        var input = Console.In;
        try
        {
            Console.SetIn(new StringReader(TestUser.Password + "\n"));
            Assert.Contains(world.User.User.UserName, await AipCommandLine.RunAsync([.. login, "--password-stdin"]), StringComparison.Ordinal);
            var kept = KeptLogin.Read(_aip.ConfigFile)!;
            Console.SetIn(new StringReader("wrong\n"));
            Assert.Contains("401", await AipCommandLine.FailAsync("login", "--url", functions.App.Address.ToString(), "--token-stdin"), StringComparison.Ordinal);
            Console.SetIn(new StringReader(kept.Token));
            Assert.Contains("valid", await AipCommandLine.RunAsync("login", "--url", functions.App.Address.ToString(), "--token-stdin"), StringComparison.Ordinal);
            Assert.Equal(kept, KeptLogin.Read(_aip.ConfigFile));
        }
        finally
        {
            Console.SetIn(input);
        }
    }

    [Theory]
    [InlineData(80)]
    [InlineData(100_000)]
    public async Task Tables_can_be_read_in_80_columns_and_in_a_pipe(int width)
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        await AipCommandLine.LoginAsync(functions.App.Address, world.User.User.UserName, world.ProjectId);
        await AipCommandLine.RunAsync("dataset", "create", "people");
        world.Write("people.csv", System.Text.Encoding.UTF8.GetBytes("id,name,address,remark\n1,王小明,\"1 Long Street, Old Town\",a remark that is longer than the rest of the line\n"));
        await AipCommandLine.RunAsync("dataset", "upload", "people", world.Folder, "-d", "what the description of a version may look like when somebody cares");
        var versions = (await AipCommandLine.RunInAsync(width, "dataset", "versions", "people")).Split('\n');
        Assert.All(versions, line => Assert.True(line.TrimEnd().Length <= width, line));
        Assert.Contains(versions, line => System.Text.RegularExpressions.Regex.IsMatch(line, @"^1\s+Ready\s+1\s+[\d.]+ B\s+[\d.]+ B\s+\d{4}-\d\d-\d\d \d\d:\d\d\s+what", System.Text.RegularExpressions.RegexOptions.NonBacktracking));
        var preview = await AipCommandLine.RunInAsync(width, "dataset", "preview", "people", "1");
        Assert.All(preview.Split('\n'), line => Assert.True(Spectre.Console.Rendering.Segment.CellCount([new Spectre.Console.Rendering.Segment(line.TrimEnd())]) <= width, line));
        Assert.Matches(width == 80 ? @"name\s+王小明" : @"1\s+王小明\s+1 Long Street, Old Town\s+a remark that is longer than the rest of the line", preview);
    }

    [Theory]
    [InlineData(80)]
    [InlineData(100_000)]
    public async Task Columns_of_data_keep_the_names_that_they_have_in_the_file(int width)
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        await AipCommandLine.LoginAsync(functions.App.Address, world.User.User.UserName, world.ProjectId);
        await AipCommandLine.RunAsync("dataset", "create", "files");
        var wide = new string('x', 100);
        world.Write("files.csv", System.Text.Encoding.UTF8.GetBytes($"size,status,version,{{0}}\n1,new,3,{wide}\n2,old,4,{wide}\n"));
        await AipCommandLine.RunAsync("dataset", "upload", "files", world.Folder);
        var preview = await AipCommandLine.RunInAsync(width, "dataset", "preview", "files", "1", "--header", "true");
        Assert.DoesNotContain("column.", preview, StringComparison.Ordinal);
        Assert.Matches(width == 80 ? @"size\s+1\s+status\s+new\s+version\s+3\s+\{0\}" : @"size\s+status\s+version\s+\{0\}\s+1\s+new\s+3", preview);
        Assert.Contains("files.csv", await AipCommandLine.RunAsync("dataset", "preview", "files", "1", "--file", ""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("env")]
    [InlineData("env", "--unknown")]
    [InlineData("unknown")]
    [InlineData("dataset", "versions", "none", "--url", "http://127.0.0.1:1")]
    public async Task What_is_no_answer_goes_to_the_standard_error(params string[] args)
    {
        var (code, output, errors) = await AipCommandLine.RunApartAsync(args);
        Assert.Equal(1, code);
        Assert.Empty(output);
        Assert.NotEmpty(errors);
    }

    [Fact]
    public void Both_languages_have_the_same_texts()
        => Assert.Equal(Texts.Keys(chinese: false).Order(StringComparer.Ordinal), Texts.Keys(chinese: true).Order(StringComparer.Ordinal));
}
