using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Client;
using AiPlatform.Contracts.Projects;
using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;
using Azure;
using Azure.Storage.Blobs;
using StackExchange.Redis;

namespace AiPlatform.IntegrationTests.Platform;

[Collection(PlatformCollection.Name)]
public sealed class LauncherTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("aip launcher ").FullName;

    public LauncherTests()
        => File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_killed_launcher_takes_its_children_along_and_the_next_start_has_everything_that_was_acknowledged()
    {
        List<ProcessIdentity> children;
        using (var first = Launch())
        {
            var endpoints = await ReadyAsync(first);
            children = Children(endpoints);
            await WithApiAsync(endpoints, api => api.CreateProjectAsync(new CreateProjectRequest("kept"), CancellationToken.None));

            using var second = Launch();
            await second.WaitForExitAsync().WaitAsync(Limit);
            Assert.Equal(1, second.ExitCode);

            first.Kill();
            await first.WaitForExitAsync();
        }

        File.Delete(Path.Combine(_folder, "endpoints.json"));
        using var next = Launch();
        try
        {
            var endpoints = await ReadyAsync(next);
            Assert.All(children, child => Assert.False(child.IsRunning()));
            var project = await WithApiAsync(endpoints, api => api.GetProjectAsync("kept", CancellationToken.None));
            Assert.Equal("kept", project.Name);
            await AssertServersAreClosedAsync(endpoints);
            children = Children(endpoints);
        }
        finally
        {
            Signals.Send(next.Id, Signals.Terminate);
            await next.WaitForExitAsync().WaitAsync(Limit);
        }

        Assert.Equal(0, next.ExitCode);
        Assert.False(File.Exists(Path.Combine(_folder, "endpoints.json")));
        Assert.All(children, child => Assert.False(child.IsRunning()));
    }

    // Job code shares the network of this machine: what everybody knows must open nothing.
    private static async Task AssertServersAreClosedAsync(JsonElement endpoints)
    {
        const string publicKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        var blob = endpoints.GetProperty("blob").GetString()!;
        await foreach (var container in new BlobServiceClient(blob).GetBlobContainersAsync())
        {
            Assert.NotEmpty(container.Name);
        }

        var open = new BlobServiceClient(Regex.Replace(blob, "AccountKey=[^;]*;", $"AccountKey={publicKey};", RegexOptions.None, Limit));
        var refused = await Assert.ThrowsAsync<RequestFailedException>(() => open.GetPropertiesAsync());
        Assert.Equal(403, refused.Status);

        var redis = ConfigurationOptions.Parse(endpoints.GetProperty("redis").GetString()!);
        await using (var known = await ConnectionMultiplexer.ConnectAsync(redis))
        {
            await known.GetDatabase().PingAsync();
        }

        redis.Password = null;
        redis.AbortOnConnectFail = true;
        await Assert.ThrowsAsync<RedisConnectionException>(async () =>
        {
            await using var unknown = await ConnectionMultiplexer.ConnectAsync(redis);
            await unknown.GetDatabase().PingAsync();
        });
    }

    private static List<ProcessIdentity> Children(JsonElement endpoints)
        => [.. endpoints.GetProperty("processes").EnumerateObject().Select(process => ProcessIdentity.Of(process.Value.GetInt32())!)];

    private static async Task<T> WithApiAsync<T>(JsonElement endpoints, Func<AiPlatformClient, Task<T>> useAsync)
    {
        using var http = new HttpClient { BaseAddress = new Uri(endpoints.GetProperty("api").GetString()!) };
        var administrator = endpoints.GetProperty("administrator");
        using var tokens = new LoginTokenSource(
            http, administrator.GetProperty("userName").GetString()!, administrator.GetProperty("password").GetString()!, TimeProvider.System);
        return await useAsync(new AiPlatformClient(http, tokens));
    }

    private Process Launch()
    {
        // The launcher as dotnet build left it, of the same configuration as these tests.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var executable = Path.Combine(RepositoryFolders.Root, "infra", "AiPlatform.Local", "bin", configuration, "net10.0", "AiPlatform.Local");
        var process = Process.Start(new ProcessStartInfo(executable, ["--data", _folder, "--no-demo"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        _ = process.StandardOutput.ReadToEndAsync();
        _ = process.StandardError.ReadToEndAsync();
        return process;
    }

    private async Task<JsonElement> ReadyAsync(Process launcher)
    {
        var file = Path.Combine(_folder, "endpoints.json");
        var waited = Stopwatch.StartNew();
        while (!File.Exists(file))
        {
            Assert.False(launcher.HasExited, "The launcher ended.");
            Assert.True(waited.Elapsed < Limit, "The platform was not ready in time.");
            await Task.Delay(50);
        }

        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        return document.RootElement.Clone();
    }
}
