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
    public void Every_server_is_reached_by_identity_and_by_nothing_else()
    {
        Assert.All(
            (string[])["AccountKey=", "SharedAccessKey", "listKeys", "\"sharedKey\"", "Password="],
            word => Assert.DoesNotContain(word, compiled.Text, StringComparison.OrdinalIgnoreCase));
        Assert.Equal("Disabled", Property("Microsoft.DBforPostgreSQL/flexibleServers").GetProperty("authConfig").GetProperty("passwordAuth").GetString());
        Assert.Equal("Disabled", Property("Microsoft.Cache/redisEnterprise/databases").GetProperty("accessKeysAuthentication").GetString());
        Assert.False(Property("Microsoft.Storage/storageAccounts").GetProperty("allowSharedKeyAccess").GetBoolean());
        Assert.True(Property("Microsoft.ServiceBus/namespaces").GetProperty("disableLocalAuth").GetBoolean());
        var settings = Settings();
        Assert.Contains("AzureWebJobsStorage__accountName", settings);
        Assert.Contains("ServiceBus__fullyQualifiedNamespace", settings);
        Assert.DoesNotContain("AzureWebJobsStorage", settings);
        Assert.Contains("Authentication=ManagedIdentity", compiled.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_address_of_blob_storage_is_a_url_as_connections_by_identity_want_it()
    {
        var setting = Assert.Single(AppSettings(), static setting => setting.GetProperty("name").GetString() == "ConnectionStrings__Blob");
        Assert.StartsWith("[format('https://", setting.GetProperty("value").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_orchestrations_process_runs_always_with_what_it_needs()
    {
        var template = Property("Microsoft.App/containerApps").GetProperty("template");
        var container = Assert.Single(template.GetProperty("containers").EnumerateArray());
        Assert.Superset(
            new HashSet<string> { "Orchestrations__ApiUrl", "Orchestrations__ClientSecret", "ConnectionStrings__ServiceBus", "ConnectionStrings__TaskHub", "AZURE_CLIENT_ID" },
            container.GetProperty("env").EnumerateArray().Select(static setting => setting.GetProperty("name").GetString()!).ToHashSet());
        Assert.True(template.GetProperty("scale").GetProperty("minReplicas").GetInt32() >= 1);
        Assert.Equal(["/health", "/health/ready"], container.GetProperty("probes").EnumerateArray().Select(static probe => probe.GetProperty("httpGet").GetProperty("path").GetString()));
    }

    // An empty list lets nobody in.
    [Fact]
    public void The_scheduler_lets_somebody_in()
        => Assert.NotEmpty(Property("Microsoft.DurableTask/schedulers").GetProperty("ipAllowlist").EnumerateArray());

    private List<string> Settings()
        => [.. AppSettings().Select(static setting => setting.GetProperty("name").GetString()!)];

    private List<JsonElement> AppSettings() => [.. Property("Microsoft.Web/sites").GetProperty("siteConfig").GetProperty("appSettings").EnumerateArray()];

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
