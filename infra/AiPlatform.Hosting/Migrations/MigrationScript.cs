using System.Reflection;

namespace AiPlatform.Hosting.Migrations;

/// <summary>One forward step of a schema.</summary>
/// <param name="Name">Decides the order (ordinal), and names the step in the journal.</param>
/// <param name="Sql">One or more statements, run in one transaction.</param>
public sealed record MigrationScript(string Name, string Sql)
{
    /// <summary>The SQL files that assemblies carry in folders named Migrations.</summary>
    public static IReadOnlyList<MigrationScript> In(params IReadOnlyCollection<Assembly> assemblies)
        => [.. assemblies.SelectMany(static assembly => assembly.GetManifestResourceNames()
            .Where(static name => name.Contains(".Migrations.", StringComparison.Ordinal) && name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(name => new MigrationScript(name, Read(assembly, name))))];

    private static string Read(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
