using System.Text.RegularExpressions;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>
/// Every table belongs to one area: the one that says so in <c>Migrations/tables.txt</c>, else the one whose migration makes it. It is the only one that
/// names it in SQL. Others read what its folder of the ports publishes.
/// </summary>
[Trait("Area", "All")]
public sealed partial class TableOwnershipTests
{
    private const string Kernel = "Kernel";

    private static readonly string Functions = Path.Combine(RepositoryFolders.Root, "functions");

    // Table → area whose list has it. Areas took over tables that others had made.
    private static readonly Dictionary<string, string> Listed = Folders()
        .SelectMany(static folder => File.ReadAllLines(Path.Combine(folder.Path, "Migrations", "tables.txt")).Select(table => (table, folder.Area)))
        .ToDictionary(static entry => entry.table, static entry => entry.Area, StringComparer.Ordinal);

    // Table → area whose migration makes it.
    private static readonly Dictionary<string, string> Makers = Folders()
        .SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(folder.Path, "Migrations"), "*.sql").SelectMany(file => TablesOf(file).Select(table => (table, folder.Area))))
        .ToDictionary(static entry => entry.table, static entry => entry.Area, StringComparer.Ordinal);

    private static readonly Dictionary<string, string> Owners =
        Makers.ToDictionary(static table => table.Key, static table => Listed.GetValueOrDefault(table.Key, table.Value), StringComparer.Ordinal);

    // What an area publishes in the ports is its own as well; the host has no tables at all.
    private static readonly IReadOnlyList<Use> Uses =
    [
        .. Folders().Concat(PortFolders()).Append((Area: "Host", Path: Path.Combine(Functions, "AiPlatform.Functions"))).SelectMany(static folder => UsesOf(folder.Area, folder.Path)),
    ];

    [Fact]
    public void Every_table_that_a_migration_makes_has_one_owner()
    {
        // Two migrations that make one table, and two lists that have one, would end this class before.
        Assert.InRange(Makers.Count, 70, int.MaxValue);
        Assert.Empty(Listed.Keys.Except(Makers.Keys, StringComparer.Ordinal));
        Assert.Subset(Owners.Values.ToHashSet(StringComparer.Ordinal), PortFolders().Select(static folder => folder.Area).ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public void No_area_writes_a_table_of_another()
    {
        Assert.InRange(Uses.Count(static use => use.Writes), 200, int.MaxValue);
        Assert.Empty(Uses.Where(static use => use.Writes && use.IsForeign).Select(static use => $"{use.Area} writes {use.Table} in {use.File}"));
    }

    [Fact]
    public void No_area_reads_a_table_of_another_but_the_door_for_access_which_asks_who_owns_a_project()
    {
        Assert.InRange(Uses.Count(static use => !use.Writes), 300, int.MaxValue);
        Assert.Equal(
            ["Kernel reads projects in ProjectAccess.cs"],
            Uses.Where(static use => !use.Writes && use.IsForeign).Select(static use => $"{use.Area} reads {use.Table} in {use.File}").Distinct(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("UPDATE runs SET x = 1", true)]
    [InlineData("INSERT INTO runs (id)", true)]
    [InlineData("DELETE FROM runs r USING x", true)]
    [InlineData("SELECT 1 FROM runs r FOR UPDATE", false)]
    [InlineData("JOIN LATERAL (SELECT * FROM runs) r", false)]
    [InlineData("FROM unheard_of u, runs r, other o", false)]
    [InlineData("FROM unheard_of AS u,\n    runs", false)]
    [InlineData("DELETE FROM unheard_of s USING runs q WHERE", false)]
    public void A_statement_is_seen(string sql, bool writes)
        => Assert.Equal([new Use("Data", "runs", "x.cs", writes)], UsesOf("Data", "x.cs", sql));

    [Fact]
    public void No_area_knows_another_but_the_adapter_of_mlflow()
    {
        var references = Folders().Where(static folder => folder.Area != Kernel).SelectMany(static folder =>
            Reference().Matches(File.ReadAllText(Path.Combine(folder.Path, $"AiPlatform.{folder.Area}.csproj"))).Select(match => $"{folder.Area} → {match.Groups["area"].Value}"));
        Assert.Equal(["MLflow → Registry", "MLflow → Tracking"], references.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<(string Area, string Path)> Folders()
        => Directory.EnumerateDirectories(Path.Combine(Functions, "areas")).Select(static path => (Path.GetFileName(path), path))
            .Append((Kernel, Path.Combine(Functions, "AiPlatform.Kernel")));

    private static IEnumerable<string> TablesOf(string migration) => Made().Matches(File.ReadAllText(migration)).Select(static match => match.Groups["table"].Value);

    private static IEnumerable<(string Area, string Path)> PortFolders()
        => Directory.EnumerateDirectories(Path.Combine(Functions, "AiPlatform.Ports"), "*").Select(static path => (Path.GetFileName(path), path))
            .Where(static folder => folder.Item1 is not ("bin" or "obj"));

    private static IEnumerable<Use> UsesOf(string area, string folder)
        => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => UsesOf(area, Path.GetFileName(file), File.ReadAllText(file)));

    private static IEnumerable<Use> UsesOf(string area, string file, string text)
        => Statement().Matches(text)
            .SelectMany(match => match.Groups["table"].Captures
                .Where(static table => Owners.ContainsKey(table.Value))
                .Select(table => new Use(area, table.Value, file, match.Groups["verb"].Value is not ("FROM" or "JOIN" or "USING"))));

    [GeneratedRegex(@"^CREATE (UNLOGGED )?TABLE (?<table>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Made();

    // DELETE FROM and INSERT INTO before FROM: the first alternative that fits wins. More tables may follow after commas.
    [GeneratedRegex(
        @"(?<!FOR |KEY )\b(?<verb>DELETE FROM|INSERT INTO|UPDATE|COPY|TRUNCATE|FROM|JOIN|USING)\s+(ONLY\s+)?(?<table>[a-z_]+)\b(\s+(AS\s+)?[a-z_]+\b)?(\s*,\s*(?<table>[a-z_]+)\b(\s+(AS\s+)?[a-z_]+\b)?)*",
        RegexOptions.ExplicitCapture,
        1_000)]
    private static partial Regex Statement();

    [GeneratedRegex(@"ProjectReference Include=""\.\./(?<area>\w+)/", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Reference();

    private sealed record Use(string Area, string Table, string File, bool Writes)
    {
        public bool IsForeign => Owners[Table] != Area;
    }
}
