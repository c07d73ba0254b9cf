using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Cli;
using AiPlatform.Client;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>The command line <c>aip</c> against a real API.</summary>
[Collection(DataCollection.Name)]
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

    [Fact]
    public async Task A_deleted_version_is_restored_and_rows_are_compared_by_key()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        await AipCommandLine.LoginAsync(functions.App.Address, world.User.User.UserName, world.ProjectId);
        await AipCommandLine.RunAsync("dataset", "create", "people");
        foreach (var rows in new[] { "1,Ann,30\n2,Bob,40\n3,Eve,50\n", "1,Ann,31\n3,Eve,50\n4,Zoe,20\n" })
        {
            world.Write("people.csv", System.Text.Encoding.UTF8.GetBytes("id,name,age\n" + rows));
            await AipCommandLine.RunAsync("dataset", "upload", "people", world.Folder);
        }

        await AipCommandLine.RunAsync("dataset", "delete", "people", "1");
        Assert.Contains("404 not_found", await AipCommandLine.FailAsync("dataset", "diff-rows", "people", "2", "--key", "id"), StringComparison.Ordinal);
        Assert.Contains("Version 1", await AipCommandLine.RunAsync("dataset", "restore", "people", "1"), StringComparison.Ordinal);
        var diff = await AipCommandLine.RunAsync("dataset", "diff-rows", "people", "2", "--key", "id");
        Assert.Contains("1 rows added, 1 removed, 1 changed, 1 unchanged since version 1", diff, StringComparison.Ordinal);
        Assert.Matches(@"Changed\s+1\s+age\s+30\s+31", diff);
        Assert.Matches(@"Added\s+4\s+", diff);
        Assert.Matches(@"Removed\s+2\s+", diff);
        Assert.Contains("--from", await AipCommandLine.FailAsync("dataset", "diff-rows", "people", "1", "--key", "id"), StringComparison.Ordinal);
        Assert.Contains("--key", await AipCommandLine.FailAsync("dataset", "diff-rows", "people", "2"), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await AipCommandLine.RunAsync("dataset", "diff-rows", "people", "2", "--key", "id", "--json"));
        Assert.Equal("31", json.RootElement.GetProperty("changedRows")[0].GetProperty("cells")[0].GetProperty("now").GetString());
    }

    [Fact]
    public async Task Every_listing_is_there_as_json_with_all_its_pages()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        await AipCommandLine.LoginAsync(functions.App.Address, world.User.User.UserName, world.ProjectId);
        for (var i = 0; i < 60; i++)
        {
            await AipCommandLine.RunAsync("dataset", "create", $"set-{i}");
        }

        world.Write("people.csv", "id,名称\n1,é\n"u8.ToArray());
        await AipCommandLine.RunAsync("dataset", "upload", "set-7", world.Folder);
        await AipCommandLine.RunAsync("dataset", "upload", "set-7", world.Folder, "-d", "again");
        async Task<JsonElement> JsonAsync(params string[] args)
        {
            var (code, output, errors) = await AipCommandLine.RunApartAsync([.. args, "--json"]);
            Assert.Equal((0, string.Empty), (code, errors));
            return JsonElement.Parse(output);
        }

        Assert.Equal(60, (await JsonAsync("dataset", "list")).GetArrayLength());
        Assert.Equal(["again", null], (await JsonAsync("dataset", "versions", "set-7")).EnumerateArray().Select(version => version.TryGetProperty("description", out var text) ? text.GetString() : null));
        Assert.Equal(1, (await JsonAsync("dataset", "diff", "set-7", "2")).GetProperty("summary").GetProperty("unchanged").GetInt32());
        Assert.Equal("名称", (await JsonAsync("dataset", "preview", "set-7", "1")).GetProperty("columns")[1].GetProperty("name").GetString());
        Assert.True((await JsonAsync("dataset", "lineage", "set-7", "1")).TryGetProperty("upstream", out _));
        Assert.Equal(0, (await JsonAsync("task", "list")).GetArrayLength());
        var list = await AipCommandLine.RunAsync("dataset", "list");
        Assert.Matches(@"set-7\s+2\s+", list);
        Assert.Contains("set-59", list, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(80)]
    [InlineData(100_000)]
    public async Task A_url_is_never_broken(int width)
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        await AipCommandLine.LoginAsync(functions.App.Address, world.User.User.UserName, world.ProjectId);
        var url = $"https://example.org/{new string('a', 90)}?b=1";
        await AipCommandLine.RunAsync("dataset", "create", "links", "-d", $"see {url} for more");
        world.Write("links.csv", System.Text.Encoding.UTF8.GetBytes($"id,link\n1,{url}\n"));
        await AipCommandLine.RunAsync("dataset", "upload", "links", world.Folder, "-d", url);
        foreach (var args in new string[][] { ["dataset", "list"], ["dataset", "versions", "links"], ["dataset", "preview", "links", "1"] })
        {
            Assert.Contains(url, await AipCommandLine.RunInAsync(width, args), StringComparison.Ordinal);
        }

        // Nor in an error.
        var (code, _, errors) = await AipCommandLine.RunApartAsync(["dataset", "upload", "links", url], width);
        Assert.Equal(1, code);
        Assert.Contains(url, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zh", "dataset", "preview", "x", "y")]
    [InlineData("zh", "dataset", "preview", "x", "1", "--rows")]
    [InlineData("zh", "dataset", "download", "x", "1", "--as", "rar")]
    [InlineData("zh", "dataset", "diff-rows", "x", "2")]
    [InlineData("zh", "dataset", "nonsense")]
    [InlineData("zh", "dataset", "report")]
    [InlineData("zh", "dataset")]
    [InlineData("zh", "dataset", "upload", "x", "/no/such/file")]
    [InlineData("en", "dataset", "preview", "x", "y")]
    [InlineData("en", "dataset", "nonsense")]
    public async Task What_is_wrong_with_arguments_is_said_in_the_language_of_the_user_and_nothing_else(string language, params string[] args)
    {
        var (code, output, errors) = await RunProgramAsync(language, args);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.NotEmpty(errors);

        // Names and values apart.
        var words = Regex.Matches(errors, @"(?<![\w<\-/.])[A-Za-z]{3,}(?![\w>\-])", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)).Select(static match => match.Value)
            .Except(["aip", "dataset", "task", .. args, "report", "list", "create", "import", "versions", "diff", "preview", "download", "delete", "restore", "lineage", "upload"], StringComparer.Ordinal);
        Assert.Equal(language == "en", words.Any());
        Assert.Equal(language == "zh", errors.Any(static letter => letter is >= '\u4e00' and <= '\u9fff'));
    }

    [Theory]
    [InlineData("zh", "退出码", "选项", "说明")]
    [InlineData("en", "Exit codes", "Options", "Description")]
    public async Task The_help_is_in_the_language_of_the_user_and_documents_the_exit_codes(string language, params string[] words)
    {
        var (code, output, _) = await RunProgramAsync(language, "--help");
        Assert.Equal(0, code);
        Assert.All(words, word => Assert.Contains(word, output, StringComparison.Ordinal));
        Assert.All(["0", "1", "2", "3", "130"], number => Assert.Matches($@"(?m)^\s*{number} ", output));
        Assert.Equal(language == "en", output.Contains("Show help", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_platform_it_says_how_to_start_one()
    {
        foreach (var args in new string[][] { ["env"], ["dataset", "list", "--project", "none", "--url", "http://127.0.0.1:1"] })
        {
            Assert.Contains("infra/up", await AipCommandLine.FailAsync(args), StringComparison.Ordinal);
        }
    }

    // A process of its own: the language is decided once.
    private static async Task<(int Code, string Output, string Errors)> RunProgramAsync(string language, params string[] args)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "aip"), args) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["AIP_LANG"] = language;
        start.Environment["AIP_URL"] = "http://127.0.0.1:1";
        start.Environment["AIP_TOKEN"] = "none";
        start.Environment["AIP_PROJECT"] = "none";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, errors);
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
