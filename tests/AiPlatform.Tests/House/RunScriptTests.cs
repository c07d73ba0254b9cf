using System.Diagnostics;
using System.Text.RegularExpressions;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.House;

/// <summary><c>tests/run</c> says at once what it does not know, and finds the tests of every area.</summary>
public sealed partial class RunScriptTests
{
    private static readonly string Root = RepositoryFolders.Root;
    private static readonly string[] Projects = ["AiPlatform.Tests", "AiPlatform.IntegrationTests"];

    // What stands beside the areas in Functions/: the app as a whole, and its clients.
    private static readonly string[] Others = ["Clients", "Core"];

    private static IEnumerable<string> AreaNames => Directory.EnumerateDirectories(Path.Combine(Root, "functions", "areas")).Select(static folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal);

    [Theory]
    [InlineData("Unknown option --quick", "--quick")]
    [InlineData("Unknown option Tracking", "Tracking")]
    [InlineData("--area needs a name", "--area")]
    [InlineData("--area needs a name", "--area", "--fast")]
    [InlineData("There is no area tracking", "--area", "tracking")]
    [InlineData("There is no area Track", "--fast", "--area", "Track")]
    [InlineData("There is no area .", "--area", ".")]
    public async Task A_wrong_argument_is_named_with_what_there_is(string reason, params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(arguments);
        Assert.Equal((2, string.Empty), (code, output));
        Assert.StartsWith(reason + "\n", errors, StringComparison.Ordinal);
        Assert.Contains(string.Join(' ', AreaNames), errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_explains_itself()
    {
        var (code, output, errors) = await RunAsync("--help");
        Assert.Equal((0, string.Empty), (code, errors));
        Assert.All(["--area", "--fast", "--help", "2 wrong arguments"], word => Assert.Contains(word, output, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_area_has_unit_and_integration_tests_in_a_folder_of_its_name()
    {
        foreach (var project in Projects)
        {
            var functions = Path.Combine(Root, "tests", project, "Functions");
            Assert.Equal(
                AreaNames.Concat(Others.Where(name => Directory.Exists(Path.Combine(functions, name)))).Order(StringComparer.Ordinal),
                Directory.EnumerateDirectories(functions).Where(static folder => Sources(folder).Any()).Select(Path.GetFileName).Order(StringComparer.Ordinal));
            Assert.All(AreaNames, area => Assert.Contains(
                Sources(Path.Combine(functions, area)), static source => source.Text.Contains("[Fact]", StringComparison.Ordinal) || source.Text.Contains("[Theory]", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void The_namespace_of_a_test_is_its_folder_so_that_the_area_is_found_by_it()
    {
        var wrong = Projects.SelectMany(static project => Sources(Path.Combine(Root, "tests", project)))
            .Where(static source => Namespace().Match(source.Text) is { Success: true } match
                && match.Groups["name"].Value != Path.GetRelativePath(Path.Combine(Root, "tests"), Path.GetDirectoryName(source.File)!).Replace('/', '.'))
            .Select(static source => source.File);
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("AiPlatform.Tests")]
    [InlineData("AiPlatform.IntegrationTests")]
    public void Some_tests_hold_for_every_area(string project)
        => Assert.InRange(Sources(Path.Combine(Root, "tests", project)).Count(static source => source.Text.Contains("\n[Trait(\"Area\", \"All\")]\n", StringComparison.Ordinal)), 3, 30);

    private static IEnumerable<(string File, string Text)> Sources(string folder)
        => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Select(static file => (file, File.ReadAllText(file)));

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Root, "tests", "run"), arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        return (process.ExitCode, await output, await errors);
    }

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Namespace();
}
