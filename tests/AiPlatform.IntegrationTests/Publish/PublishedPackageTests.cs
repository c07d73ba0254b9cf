using System.Diagnostics;
using System.Net;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.FunctionsHost;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Publish;

[Collection(PublishCollection.Name)]
public sealed class PublishedPackageTests(PostgresFixture postgres, AzuriteFixture blob, GarnetFixture redis) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip package ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_package_is_laid_out_as_an_isolated_worker_and_serves_under_a_host()
    {
        await PublishAsync();

        var host = await ReadAsync("host.json");
        Assert.Equal("", host.GetProperty("extensions").GetProperty("http").GetProperty("routePrefix").GetString());
        var worker = (await ReadAsync("worker.config.json")).GetProperty("description");
        Assert.Equal("dotnet", worker.GetProperty("defaultExecutablePath").GetString());
        Assert.Equal("AiPlatform.Functions.dll", worker.GetProperty("defaultWorkerPath").GetString());
        Assert.True((await ReadAsync("extensions.json")).GetProperty("extensions").GetArrayLength() > 0);
        Assert.True(Directory.Exists(Path.Combine(_folder, ".azurefunctions")), "The host looks for what extensions.json names in .azurefunctions.");
        AssertFunctions(await ReadAsync("functions.metadata"));
        AssertCompiledAhead();
        Assert.False(File.Exists(Path.Combine(_folder, "libcoreclr.so")), "The runtime is the platform's.");
        await AssertServesAsync();
    }

    private static void AssertFunctions(JsonElement metadata)
    {
        var functions = metadata.EnumerateArray().ToDictionary(
            static function => function.GetProperty("name").GetString()!, static function => function.GetProperty("bindings")[0], StringComparer.Ordinal);
        Assert.True(functions.Count > 20, $"Only {functions.Count} functions are listed.");
        Assert.Equal("v1/projects/{*rest}", functions["projects"].GetProperty("route").GetString());
        Assert.Equal("timerTrigger", functions["tick"].GetProperty("type").GetString());
        Assert.Equal("*/10 * * * * *", functions["tick"].GetProperty("schedule").GetString());
    }

    private void AssertCompiledAhead()
    {
        using var file = File.OpenRead(Path.Combine(_folder, "AiPlatform.Functions.dll"));
        using var assembly = new PEReader(file);
        Assert.True(assembly.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0, "The app is not compiled ahead of time.");
    }

    private async Task AssertServesAsync()
    {
        var database = await postgres.CreateDatabaseAsync("published");
        await using var host = await HostInstance.StartAsync(_folder, options =>
        {
            options.Environment["ConnectionStrings__Postgres"] = database;
            options.Environment["ConnectionStrings__Blob"] = blob.ConnectionString;
            options.Environment["ConnectionStrings__Redis"] = redis.ConnectionString;
            options.Environment["ConnectionStrings__TaskHub"] = $"Endpoint=http://127.0.0.1:{TcpPorts.Free()};TaskHub=default;Authentication=None";
            options.Environment["Identity__SigningKey"] = Convert.ToBase64String(new byte[48]);
            options.Environment["Identity__ServiceSecrets__orchestrations"] = "orchestrations-secret";
            options.Environment["Identity__ServiceSecrets__runner"] = "runner-secret";
        });
        using var http = host.CreateClient();
        using var page = await http.GetAsync("/");
        Assert.True(page.StatusCode == HttpStatusCode.OK, host.Output);
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).IsSuccessStatusCode, "the app is ready", TimeSpan.FromSeconds(60));
    }

    private async Task<JsonElement> ReadAsync(string name)
    {
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, name)));
        return document.RootElement.Clone();
    }

    private async Task PublishAsync()
    {
        var start = new ProcessStartInfo(Path.Combine(RepositoryFolders.Root, "infra", "publish"), [_folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var publish = Process.Start(start)!;
        var output = publish.StandardOutput.ReadToEndAsync();
        var error = publish.StandardError.ReadToEndAsync();
        await publish.WaitForExitAsync();
        Assert.True(publish.ExitCode == 0, $"infra/publish failed:\n{await output}\n{await error}");
    }
}
