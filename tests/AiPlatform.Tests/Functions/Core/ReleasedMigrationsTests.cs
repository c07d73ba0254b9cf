using System.Security.Cryptography;
using AiPlatform.Functions;
using AiPlatform.Kernel;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>
/// Databases know migrations by name: one that changes its name runs again, one that changes its text was never run as it reads now. Whoever
/// releases a new one adds a line to <c>released-migrations.txt</c>.
/// </summary>
public sealed class ReleasedMigrationsTests
{
    private const string Prefix = "AiPlatform.Functions.Migrations.";

    [Fact]
    public void What_was_released_keeps_its_name_and_its_text()
    {
        var scripts = Areas.All.Select(static area => area.GetType().Assembly).Append(typeof(IArea).Assembly)
            .SelectMany(static assembly => assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => (Assembly: assembly, Name: name)))
            .ToDictionary(static script => script.Name[Prefix.Length..], static script => Hash(script.Assembly.GetManifestResourceStream(script.Name)!), StringComparer.Ordinal);
        var released = File.ReadAllLines(Path.Combine(RepositoryFolders.Root, "tests", "AiPlatform.Tests", "Functions", "Core", "released-migrations.txt")).Select(static line => line.Split(' '));
        Assert.Equal(released.Select(static line => $"{line[0]} {line[1]}"), scripts.OrderBy(static script => script.Key, StringComparer.Ordinal).Select(static script => $"{script.Key} {script.Value}"));
    }

    private static string Hash(Stream script)
    {
        using (script)
        {
            return Convert.ToHexStringLower(SHA256.HashData(script));
        }
    }
}
