using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.OpenApi.Compatibility;

namespace AiPlatform.OpenApi;

/// <summary>The documents in the repository: <c>functions/openapi</c>.</summary>
/// <param name="folder">Where they are.</param>
public sealed class DocumentFiles(string folder)
{
    // What a release promises is shapes and names; words may change.
    private static readonly string[] Words = ["description", "summary", "example"];
    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true, NewLine = "\n", IndentSize = 1 };

    /// <summary>The document of the routes of this source tree, which the app serves.</summary>
    public string Current { get; } = Path.Combine(folder, "v1.json");

    /// <summary>What the newest release promises.</summary>
    public string Released { get; } = Path.Combine(folder, "v1.released.json");

    /// <summary>Breaks that are meant, one a line: rule and place.</summary>
    public string Accepted { get; } = Path.Combine(folder, "accepted-breaks.txt");

    /// <summary>The functions of the worker, which follow from the routes too.</summary>
    public string Functions { get; } = Path.Combine(folder, "..", "AiPlatform.Functions", "Worker", "AppFunctions.Routes.cs");

    /// <summary>The folder in the repository that this process was built in.</summary>
    /// <exception cref="DirectoryNotFoundException">The process runs outside of a repository.</exception>
    public static DocumentFiles OfRepository()
    {
        for (var root = new DirectoryInfo(AppContext.BaseDirectory); root is not null; root = root.Parent)
        {
            if (File.Exists(Path.Combine(root.FullName, "AiPlatform.sln")))
            {
                return new DocumentFiles(Path.Combine(root.FullName, "functions", "openapi"));
            }
        }

        throw new DirectoryNotFoundException("There is no AiPlatform.sln above this program.");
    }

    /// <summary>The breaks that nobody has accepted, and the accepted ones that are none.</summary>
    public (IReadOnlyList<ApiBreak> Breaks, IReadOnlyList<string> Stale) Compare()
    {
        var found = ApiCompatibility.Find(JsonNode.Parse(File.ReadAllText(Released))!, JsonNode.Parse(File.ReadAllText(Current))!);
        var accepted = File.ReadAllLines(Accepted).Select(static line => line.Split('#')[0].Trim()).Where(static line => line.Length > 0).ToHashSet(StringComparer.Ordinal);
        return ([.. found.Where(item => !accepted.Contains(item.ToString()))], [.. accepted.Except(found.Select(static item => item.ToString()), StringComparer.Ordinal)]);
    }

    /// <summary>Makes the current document what clients may rely on.</summary>
    public void Release()
    {
        var document = JsonNode.Parse(File.ReadAllText(Current))!;
        Strip(document);
        File.WriteAllText(Released, document.ToJsonString(Pretty) + "\n");
        File.WriteAllText(Accepted, "# Breaks of clients that are meant: rule and place, one a line, with the reason after a #.\n");
    }

    // A property may be called as the words are.
    private static void Strip(JsonNode? node, bool names = false)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToList())
                {
                    if (!names && Words.Contains(name))
                    {
                        members.Remove(name);
                    }
                    else
                    {
                        Strip(value, !names && name is "properties" or "schemas" or "paths");
                    }
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Strip(item);
                }

                break;
        }
    }
}
