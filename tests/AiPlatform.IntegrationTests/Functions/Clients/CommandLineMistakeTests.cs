using System.Text;
using AiPlatform.Cli;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>What <c>aip</c> says to people who use it for the first time: the mistakes that they make, and what they wait for.</summary>
[Collection(DataCollection.Name)]
public sealed class CommandLineMistakeTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>, IDisposable
{
    private readonly AipCommandLine _aip = new();

    public void Dispose() => _aip.Dispose();

    [Theory]
    [InlineData("foo")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("127.0.0.1:8080")]
    public async Task An_address_that_is_no_url_is_named(string url)
        => Assert.Contains($"\"{url}\"", await AipCommandLine.FailAsync("dataset", "list", "--project", "none", "--url", url), StringComparison.Ordinal);

    [Fact]
    public async Task A_project_that_is_empty_is_not_given()
    {
        using var world = await LoginAsync();
        Assert.Equal(string.Empty, (await AipCommandLine.RunApartAsync(["dataset", "list", "--project", ""])).Errors);
        Environment.SetEnvironmentVariable("AIP_PROJECT", string.Empty);
        Assert.Contains("--project", await AipCommandLine.FailAsync("dataset", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_project_is_created_and_listed()
    {
        using var world = await LoginAsync();
        var name = $"mine-{Guid.NewGuid():N}";
        Assert.Contains(name, await AipCommandLine.RunAsync("project", "create", name, "--description", "my first"), StringComparison.Ordinal);
        Assert.Matches($@"{name}\s+.*my first", await AipCommandLine.RunAsync("project", "list"));
        await AipCommandLine.RunAsync("dataset", "create", "digits", "--project", name);
        Assert.Contains("409 already_exists", await AipCommandLine.FailAsync("project", "create", name), StringComparison.Ordinal);
        Assert.Contains("<name>: ", await AipCommandLine.FailAsync("project", "create", "Not Valid"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_missing_or_wrong_is_called_as_its_user_would_call_it()
    {
        using var world = await LoginAsync();
        await AipCommandLine.RunAsync("dataset", "create", "people");
        world.Write("people.csv", "id,name\n1,Ann\n2\n"u8.ToArray());
        Assert.Contains("1 file,", await AipCommandLine.RunAsync("dataset", "upload", "people", world.Folder), StringComparison.Ordinal);
        Assert.Contains("files or folders", await AipCommandLine.FailAsync("dataset", "upload", "people"), StringComparison.Ordinal);
        Assert.Contains("--from-url, --from-container or --from-archive", await AipCommandLine.FailAsync("dataset", "import", "people"), StringComparison.Ordinal);
        Assert.Contains("--from", await AipCommandLine.FailAsync("dataset", "diff", "people", "1"), StringComparison.Ordinal);
        Assert.Contains("--rows: Use a value from 1", await AipCommandLine.FailAsync("dataset", "preview", "people", "1", "--rows", "0"), StringComparison.Ordinal);
        Assert.Contains("--date-order: ", await AipCommandLine.FailAsync("dataset", "preview", "people", "1", "--date-order", "big"), StringComparison.Ordinal);
        Assert.Contains("\"0\" is not a valid value of --limit", await AipCommandLine.FailAsync("task", "list", "--limit", "0"), StringComparison.Ordinal);
        Assert.Contains("Line 3: ", await AipCommandLine.RunAsync("dataset", "preview", "people", "1"), StringComparison.Ordinal);
        Assert.Contains("Downloaded 1 file to", await AipCommandLine.RunAsync("dataset", "download", "people", "1", Path.Combine(world.Folder, "copy")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_that_waits_says_for_what_and_one_that_was_cancelled_says_so_once()
    {
        using var world = await LoginAsync();
        var task = await world.Api.SubmitTaskAsync(world.ProjectId, "default", new SubmitTaskRequest("noop", DelaySeconds: 3600), default);
        var waiting = AipCommandLine.RunApartAsync(["task", "wait", task.Id]);
        await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromSeconds(1)));
        Assert.Contains("Cancelled: 1", await AipCommandLine.RunAsync("task", "cancel", task.Id), StringComparison.Ordinal);
        var (code, output, errors) = await waiting;
        Assert.Equal((2, "noop: Cancelled"), (code, output.TrimEnd()));
        Assert.Contains((await world.Api.GetQueueTaskAsync(world.ProjectId, "default", task.Id, default)).CreatedAt.Year.ToString(System.Globalization.CultureInfo.InvariantCulture), errors, StringComparison.Ordinal);
        Assert.Contains("ended already", await AipCommandLine.RunAsync("task", "cancel", task.Id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_is_not_there_is_said_to_be_none()
    {
        using var world = await LoginAsync();
        var job = (await world.Api.SubmitJobAsync(
            world.ProjectId, new SubmitJobRequest("mine", Code: new JobCode("train.py", new Dictionary<string, string> { ["train.py"] = "print(1)" })), default)).Job;
        Assert.Contains("not started", await AipCommandLine.FailAsync("task", "log", job.Id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_name_of_a_task_is_there_on_a_narrow_terminal()
    {
        using var world = await LoginAsync();
        await world.Api.SubmitTaskAsync(world.ProjectId, "default", new SubmitTaskRequest("noop", Name: "my own name", DelaySeconds: 3600), default);
        Assert.Contains("my own name", await AipCommandLine.RunInAsync(80, "task", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_goes_to_the_standard_output()
    {
        using var world = await LoginAsync();
        await AipCommandLine.RunAsync("dataset", "create", "people");
        world.Write("people.csv", Encoding.UTF8.GetBytes("id,name\n1,Ann\n"));
        await AipCommandLine.RunAsync("dataset", "upload", "people", world.Folder);
        var start = new System.Diagnostics.ProcessStartInfo("/bin/bash", ["-c", $"'{Path.Combine(AppContext.BaseDirectory, "aip")}' dataset download people 1 - --as tar | tar x --to-stdout people.csv"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, WorkingDirectory = Directory.CreateTempSubdirectory("aip-stdout-").FullName,
        };
        using var shell = System.Diagnostics.Process.Start(start)!;
        Assert.Equal("id,name\n1,Ann\n", await shell.StandardOutput.ReadToEndAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(start.WorkingDirectory));
        Directory.Delete(start.WorkingDirectory);
    }

    [Fact]
    public void Every_kind_of_task_and_every_state_has_a_name()
    {
        var kinds = typeof(TaskKinds).GetFields().Select(static field => $"kind.{field.GetRawConstantValue()}");
        Assert.All(kinds.Concat(Enum.GetNames<TaskState>().Select(static state => $"state.{state}")), static key => Assert.Contains(key, Texts.Keys(chinese: true)));
    }

    private async Task<DatasetWorld> LoginAsync()
    {
        var world = await DatasetWorld.CreateAsync(functions);
        await AipCommandLine.LoginAsync(functions.App.Address, world.User.User.UserName, world.ProjectId);
        return world;
    }
}
