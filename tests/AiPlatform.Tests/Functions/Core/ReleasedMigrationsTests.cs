using System.Security.Cryptography;
using AiPlatform.Functions;
using AiPlatform.Kernel;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>
/// Databases know migrations by name: one that changes its name runs again, one that changes its text was never run as it reads now. A release
/// adds what it has to <c>released-migrations.txt</c>; until then a migration is new, and runs after all that databases may have had.
/// </summary>
[Trait("Area", "All")]
public sealed class ReleasedMigrationsTests
{
    private const string Prefix = "AiPlatform.Functions.Migrations.";

    private static readonly string[] Released =
        File.ReadAllLines(Path.Combine(RepositoryFolders.Root, "tests", "AiPlatform.Tests", "Functions", "Core", "released-migrations.txt"));

    private static readonly Dictionary<string, string> Scripts = Areas.All.Select(static area => area.GetType().Assembly).Append(typeof(IArea).Assembly)
        .SelectMany(static assembly => assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => (Assembly: assembly, Name: name)))
        .ToDictionary(static script => script.Name[Prefix.Length..], static script => Hash(script.Assembly.GetManifestResourceStream(script.Name)!), StringComparer.Ordinal);

    [Fact]
    public void What_was_released_keeps_its_name_and_its_text()
    {
        Assert.InRange(Released.Length, 30, int.MaxValue);
        Assert.Equal(Released.Order(StringComparer.Ordinal), Released);
        Assert.Equal(Released, Released.Select(static line => line.Split(' ')[0]).Select(static name => $"{name} {Scripts.GetValueOrDefault(name, "is gone")}"));
    }

    [Fact]
    public void What_is_new_runs_after_what_was_released()
    {
        var newest = Released[^1].Split(' ')[0];
        Assert.All(Scripts.Keys.Except(Released.Select(static line => line.Split(' ')[0]), StringComparer.Ordinal), name => Assert.True(string.CompareOrdinal(name, newest) > 0, name));
    }

    private static string Hash(Stream script)
    {
        using (script)
        {
            return Convert.ToHexStringLower(SHA256.HashData(script));
        }
    }
}
