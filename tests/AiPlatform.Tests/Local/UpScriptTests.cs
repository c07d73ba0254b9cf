using System.Diagnostics;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.Local;

/// <summary><c>infra/up</c> answers at once what needs no build. The checkout has none here, so that what is not answered at once would show.</summary>
public sealed class UpScriptTests : IDisposable
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(10);
    private readonly string _folder = Directory.CreateTempSubdirectory("aip up ").FullName;

    public UpScriptTests()
    {
        // Where a build would have to begin.
        var root = RepositoryFolders.Root;
        var infra = Directory.CreateDirectory(Path.Combine(_folder, "infra", "AiPlatform.Local")).Parent!.FullName;
        foreach (var file in new[] { "up", "arguments.sh", "dashboard.sh", "AiPlatform.Local/usage.txt" })
        {
            File.Copy(Path.Combine(root, "infra", file), Path.Combine(infra, file));
        }

        // What a build would call says so.
        File.WriteAllText(Path.Combine(infra, "prerequisites.sh"), "fail() { printf '%s\\n' \"$*\" >&2; exit 1; }\nrequire_dotnet() { echo 'A build begins'; exit 99; }\n");
        File.WriteAllText(Path.Combine(infra, "build.sh"), string.Empty);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("--no-demo", "--help")]
    public async Task It_shows_its_options(params string[] arguments)
    {
        var (code, output, errors) = await UpAsync(arguments);
        Assert.Equal((0, LocalOptions.Usage, string.Empty), (code, output.TrimEnd(), errors));
        Assert.All(PlatformPorts.Names, name => Assert.Contains(name, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--what")]
    [InlineData("--data")]
    [InlineData("--data", "")]
    [InlineData("--data", "--reset")]
    [InlineData("--ports", "nonsense")]
    [InlineData("--ports", "unknown=1")]
    [InlineData("--ports", "api=0")]
    [InlineData("--ports", "api=9000,blob=70000")]
    [InlineData("--ports", "api=+9000")]
    [InlineData("--no-demo", "--exit-after-demo")]
    [InlineData("--watch")]
    [InlineData("--watch", "--reset")]
    [InlineData("--watch", "orchestrations")]
    [InlineData("--watch", "functions", "--exit-after-demo")]
    public async Task It_refuses_a_wrong_argument_in_the_words_of_the_launcher(params string[] arguments)
    {
        var expected = Assert.Throws<ArgumentException>(() => LocalOptions.Parse(arguments)).Message;
        var (code, output, errors) = await UpAsync(arguments);
        Assert.Equal((2, string.Empty, $"{expected}\n{LocalOptions.Usage}"), (code, output, errors.TrimEnd()));
    }

    [Theory]
    [InlineData]
    [InlineData("--reset", "--exit-after-demo", "--dashboard", "--ports", "api=9000,,blob=9001")]
    [InlineData("--data", "a b")]
    [InlineData("--watch", "functions", "--no-demo")]
    public async Task It_goes_on_to_build_with_arguments_that_the_launcher_takes(params string[] arguments)
    {
        LocalOptions.Parse(arguments);
        Assert.Equal((99, "A build begins\n", string.Empty), await UpAsync(arguments));
    }

    [Fact]
    public async Task It_refuses_a_data_directory_that_is_in_use_or_cannot_be_made()
    {
        var data = Path.Combine(_folder, "data");
        using (DataDirectory.Open(data, reset: false))
        {
            var (code, _, errors) = await UpAsync("--data", data);
            Assert.Equal((1, $"The platform already runs on {data}. Stop it, or choose another directory with --data.\n"), (code, errors));
        }

        Assert.Equal(99, (await UpAsync("--data", data)).Code);
        var (refused, _, reason) = await UpAsync("--data", Path.Combine(data, "lock", "below"));
        Assert.Equal(1, refused);
        Assert.Contains("cannot be written", reason, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output, string Errors)> UpAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(_folder, "infra", "up"), arguments)
        {
            UseShellExecute = false, WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(AtOnce);
        return (process.ExitCode, await output, await errors);
    }
}
