using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Publish;

/// <summary>What <c>infra/bicep</c> deploys, as the compiler of Azure's own language understands it.</summary>
public sealed class BicepTests(BicepTests.Compiled compiled) : IClassFixture<BicepTests.Compiled>
{
    [Fact]
    public async Task It_builds_and_lints_without_a_word()
    {
        Assert.Equal(string.Empty, compiled.Diagnostics);
        var (exitCode, output, diagnostics) = await RunAsync("lint");
        Assert.True(exitCode == 0, diagnostics);
        Assert.Equal(string.Empty, output + diagnostics);
    }

    [Fact]
    public void The_app_is_an_isolated_worker_whose_runtime_the_platform_brings()
    {
        var runtime = Property("Microsoft.Web/sites").GetProperty("functionAppConfig").GetProperty("runtime");
        Assert.Equal("dotnet-isolated", runtime.GetProperty("name").GetString());
        Assert.Equal("10.0", runtime.GetProperty("version").GetString());
        Assert.DoesNotContain("FUNCTIONS_WORKER_RUNTIME", Settings());
    }

    [Fact]
    public void Storage_service_bus_and_scheduler_are_reached_by_identity_and_by_nothing_else()
    {
        Assert.DoesNotContain("AccountKey=", compiled.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("SharedAccessKey", compiled.Text, StringComparison.Ordinal);
        Assert.False(Property("Microsoft.Storage/storageAccounts").GetProperty("allowSharedKeyAccess").GetBoolean());
        Assert.True(Property("Microsoft.ServiceBus/namespaces").GetProperty("disableLocalAuth").GetBoolean());
        var settings = Settings();
        Assert.Contains("AzureWebJobsStorage__accountName", settings);
        Assert.Contains("ServiceBus__fullyQualifiedNamespace", settings);
        Assert.DoesNotContain("AzureWebJobsStorage", settings);
        Assert.Contains("Authentication=ManagedIdentity", compiled.Text, StringComparison.Ordinal);
    }

    // An empty list lets nobody in.
    [Fact]
    public void The_scheduler_lets_somebody_in()
        => Assert.NotEmpty(Property("Microsoft.DurableTask/schedulers").GetProperty("ipAllowlist").EnumerateArray());

    private List<string> Settings()
        => [.. Property("Microsoft.Web/sites").GetProperty("siteConfig").GetProperty("appSettings").EnumerateArray().Select(static setting => setting.GetProperty("name").GetString()!)];

    private JsonElement Property(string type) => Assert.Single(Resources(compiled.Template), resource => resource.GetProperty("type").GetString() == type).GetProperty("properties");

    // Of the template and of the modules in it.
    private static IEnumerable<JsonElement> Resources(JsonElement template)
    {
        var list = template.GetProperty("resources");
        var resources = list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : list.EnumerateObject().Select(static resource => resource.Value);
        foreach (var resource in resources.Where(static resource => resource.TryGetProperty("type", out _)))
        {
            yield return resource;
            if (resource.GetProperty("type").GetString() == "Microsoft.Resources/deployments")
            {
                foreach (var inner in Resources(resource.GetProperty("properties").GetProperty("template")))
                {
                    yield return inner;
                }
            }
        }
    }

    private static async Task<(int ExitCode, string Output, string Diagnostics)> RunAsync(string command, params string[] options)
    {
        var bicep = typeof(BicepTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static metadata => metadata.Key == "Bicep").Value!;
        var start = new ProcessStartInfo(bicep, [command, Path.Combine(RepositoryFolders.Root, "infra", "bicep", "main.bicep"), .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var diagnostics = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await diagnostics);
    }

    /// <summary>The template, compiled once.</summary>
    public sealed class Compiled : IAsyncLifetime
    {
        public string Text { get; private set; } = string.Empty;

        public string Diagnostics { get; private set; } = string.Empty;

        public JsonElement Template { get; private set; }

        public async Task InitializeAsync()
        {
            (var exitCode, Text, Diagnostics) = await RunAsync("build", "--stdout");
            Assert.True(exitCode == 0, Diagnostics);
            using var document = JsonDocument.Parse(Text);
            Template = document.RootElement.Clone();
        }

        public Task DisposeAsync() => Task.CompletedTask;
    }
}
