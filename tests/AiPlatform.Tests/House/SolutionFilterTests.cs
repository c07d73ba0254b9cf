using System.Text.Json.Nodes;
using System.Xml.Linq;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.House;

/// <summary>Every area opens alone: its solution filter has what the area is built from, and its tests.</summary>
[Trait("Area", "All")]
public sealed class SolutionFilterTests
{
    private static readonly string Root = RepositoryFolders.Root;

    public static TheoryData<string> Areas() => HttpFileTests.Areas();

    [Theory]
    [MemberData(nameof(Areas))]
    public void The_filter_of_an_area_has_what_it_is_built_from_and_its_tests(string area)
    {
        var folder = Path.Combine(Root, "functions", "areas", area);
        var solution = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, $"{area}.slnf")))!["solution"]!;
        Assert.Equal(Path.Combine(Root, "AiPlatform.sln"), Path.GetFullPath(Path.Combine(folder, ((string)solution["path"]!).Replace('\\', '/'))));
        var projects = solution["projects"]!.AsArray().Select(static project => ((string)project!).Replace('\\', '/')).ToList();
        string[] wanted =
        [
            .. BuiltFrom(Path.Combine(folder, $"AiPlatform.{area}.csproj")).Select(static file => Path.GetRelativePath(Root, file)),
            "functions/AiPlatform.Functions/AiPlatform.Functions.csproj", "tests/AiPlatform.IntegrationTests/AiPlatform.IntegrationTests.csproj",
            "tests/AiPlatform.Tests/AiPlatform.Tests.csproj",
        ];
        Assert.Equal(wanted.Order(StringComparer.Ordinal), projects);

        // A filter that names what the solution does not have is refused by every tool.
        Assert.All(projects, static project => Assert.Contains($"\"{project.Replace('/', '\\')}\"", File.ReadAllText(Path.Combine(Root, "AiPlatform.sln")), StringComparison.Ordinal));
    }

    // A project and all that it refers to; areas take some of it from Area.props.
    private static HashSet<string> BuiltFrom(string project)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        void Add(string file)
        {
            if (found.Add(file))
            {
                ReferencesOf(file, Path.GetDirectoryName(file)!).ToList().ForEach(Add);
            }
        }

        Add(project);
        return found;
    }

    private static IEnumerable<string> ReferencesOf(string file, string folder)
    {
        var xml = XDocument.Load(file);
        var own = xml.Descendants("ProjectReference").Select(reference => (string)reference.Attribute("Include")!)
            .Select(include => Path.GetFullPath(Path.Combine(folder, include.Replace("$(MSBuildThisFileDirectory)", string.Empty, StringComparison.Ordinal).Replace('\\', '/'))));
        var imported = xml.Descendants("Import").Select(static import => (string)import.Attribute("Project")!).Where(static import => import.StartsWith("../", StringComparison.Ordinal))
            .Select(import => Path.GetFullPath(Path.Combine(folder, import)));
        return own.Concat(imported.SelectMany(static import => ReferencesOf(import, Path.GetDirectoryName(import)!)));
    }
}
