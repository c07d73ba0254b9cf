using System.Diagnostics;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>The TypeScript client against the app.</summary>
[Collection(TrackingCollection.Name)]
public sealed class TypeScriptClientTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Language = "typescript";

    [Fact]
    public async Task What_the_readme_shows_works()
    {
        await BuildAsync();
        await RunAsync(await ClientScript.ReadmeAsync(Language, "ts", functions.Name("handwriting")));
    }

    [Fact]
    public async Task Uploads_lists_events_and_errors_work()
    {
        await BuildAsync();
        await RunAsync(await File.ReadAllTextAsync(Path.Combine(ClientScript.Folder(Language), "test", "platform.mjs")), "--test", "--test-timeout=60000");
    }

    private Task RunAsync(string script, params string[] arguments) => ClientScript.RunAsync(functions, "node", "script.mjs", script, static (folder, _) =>
    {
        var packages = Directory.CreateDirectory(Path.Combine(folder, "node_modules"));
        Directory.CreateSymbolicLink(Path.Combine(packages.FullName, "aiplatform"), ClientScript.Folder(Language));
    }, arguments);

    // As a user would: what is built from an older document would test an older API.
    private static async Task BuildAsync()
    {
        var folder = ClientScript.Folder(Language);
        var built = new FileInfo(Path.Combine(folder, "dist", "src", "index.js"));
        if (built.Exists && built.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(RepositoryFolders.Root, "functions", "openapi", "v1.json")))
        {
            return;
        }

        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
        {
            await ClientScript.RunAsync(new ProcessStartInfo("npm", "ci --no-audit --no-fund --ignore-scripts") { WorkingDirectory = folder });
        }

        await ClientScript.RunAsync(new ProcessStartInfo("npm", "run build") { WorkingDirectory = folder });
    }
}
