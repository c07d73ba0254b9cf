using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.House;

/// <summary>The development container has what the scripts ask for, by the names and versions that they ask for.</summary>
public sealed partial class DevContainerTests
{
    private static readonly string Root = RepositoryFolders.Root;
    private static readonly JsonObject Container = JsonNode.Parse(File.ReadAllText(Path.Combine(Root, ".devcontainer", "devcontainer.json")))!.AsObject();
    private static readonly string Prerequisites = File.ReadAllText(Path.Combine(Root, "infra", "prerequisites.sh"));

    [Fact]
    public void Its_sdk_is_the_one_that_the_repository_pins()
    {
        var pinned = Version.Parse((string)JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "global.json")))!["sdk"]!["version"]!);
        Assert.Equal($"{pinned.Major}.{pinned.Minor}", FeatureVersion("dotnet"));
    }

    [Fact]
    public void Its_node_is_the_oldest_that_the_scripts_take()
        => Assert.Equal(OldestNode().Match(Prerequisites).Groups["major"].Value, FeatureVersion("node"));

    [Fact]
    public void It_installs_by_the_scripts_own_functions()
    {
        var command = (string)Container["postCreateCommand"]!;
        var script = Path.Combine(Root, command);
        Assert.True(File.GetUnixFileMode(script).HasFlag(UnixFileMode.UserExecute), $"{command} cannot be run.");
        var called = Called().Matches(File.ReadAllText(script)).Select(static match => match.Value).ToList();
        Assert.Equal(["require_dotnet", "require_node", "install_for_tests"], called);
        Assert.All(called, function => Assert.Contains($"\n{function}() {{", Prerequisites, StringComparison.Ordinal));

        // The distribution whose names of packages the scripts know.
        Assert.EndsWith(":bookworm", (string)Container["image"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void It_forwards_the_ports_that_people_open()
    {
        int[] people = [PlatformPorts.Defaults[PlatformPorts.Api], PlatformPorts.Defaults[PlatformPorts.FunctionsHost], PlatformPorts.Defaults[PlatformPorts.Dashboard]];
        Assert.Equal(people, Container["forwardPorts"]!.AsArray().Select(static port => (int)port!));
        Assert.Equal(people, Container["portsAttributes"]!.AsObject().Select(static port => int.Parse(port.Key)));
    }

    [Fact]
    public void It_says_nothing_that_the_format_does_not_know()
        => Assert.Subset(
            new HashSet<string>(StringComparer.Ordinal) { "name", "image", "features", "postCreateCommand", "forwardPorts", "portsAttributes", "hostRequirements", "customizations" },
            Container.Select(static property => property.Key).ToHashSet(StringComparer.Ordinal));

    private static string FeatureVersion(string name)
        => (string)Container["features"]!.AsObject().Single(feature => feature.Key.StartsWith($"ghcr.io/devcontainers/features/{name}:", StringComparison.Ordinal)).Value!["version"]!;

    [GeneratedRegex(@"\$major"" -ge (?<major>\d+) \]", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex OldestNode();

    [GeneratedRegex(@"^(require|install)_\w+", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Called();
}
