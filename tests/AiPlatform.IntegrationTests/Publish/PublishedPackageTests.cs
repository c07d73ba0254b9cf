using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using AiPlatform.Hosting;
using AiPlatform.Local.Servers;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Publish;

[Collection(ServersCollection.Name)]
public sealed class PublishedPackageTests(PostgresFixture postgres, AzuriteFixture blob, GarnetFixture redis) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip package ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_package_has_the_host_s_layout_and_its_executable_serves_where_the_host_says()
    {
        await PublishAsync();

        using var host = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "host.json")));
        var handler = host.RootElement.GetProperty("customHandler");
        Assert.True(handler.GetProperty("enableProxyingHttpRequest").GetBoolean());
        Assert.Equal("", host.RootElement.GetProperty("extensions").GetProperty("http").GetProperty("routePrefix").GetString());
        var executable = Path.Combine(_folder, handler.GetProperty("description").GetProperty("defaultExecutablePath").GetString()!);
        Assert.True(File.GetUnixFileMode(executable).HasFlag(UnixFileMode.UserExecute));
        Assert.True(File.Exists(Path.Combine(_folder, "libcoreclr.so")), "The package must bring its own runtime.");
        AssertFunctions();
        await AssertServesAsync(executable);
    }

    // Each folder of functions/triggers is a function of the package; the host looks one level deep only.
    private void AssertFunctions()
    {
        var source = Path.Combine(RepositoryFolders.Root, "functions", "triggers");
        var expected = Directory.GetDirectories(source).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal).ToList();
        var actual = Directory.GetFiles(_folder, "function.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_folder, Path.GetDirectoryName(file)!)).Order(StringComparer.Ordinal).ToList();
        Assert.NotEmpty(expected);
        Assert.Equal(expected, actual);
    }

    private async Task AssertServesAsync(string executable)
    {
        var port = TcpPorts.Free();
        var start = new ProcessStartInfo(executable) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["FUNCTIONS_CUSTOMHANDLER_PORT"] = port.ToString(CultureInfo.InvariantCulture);
        start.Environment["ConnectionStrings__Postgres"] = await postgres.CreateDatabaseAsync("published");
        start.Environment["ConnectionStrings__Blob"] = blob.ConnectionString;
        start.Environment["ConnectionStrings__Redis"] = redis.ConnectionString;
        start.Environment["ConnectionStrings__TaskHub"] = $"Endpoint=http://127.0.0.1:{TcpPorts.Free()};TaskHub=default;Authentication=None";
        start.Environment["ConnectionStrings__ServiceBus"] =
            $"Endpoint=sb://127.0.0.1:{TcpPorts.Free()};SharedAccessKeyName=k;SharedAccessKey=a2V5;UseDevelopmentEmulator=true";
        start.Environment["Identity__SigningKey"] = Convert.ToBase64String(new byte[48]);
        start.Environment["Identity__ServiceSecrets__orchestrations"] = "orchestrations-secret";
        start.Environment["Identity__ServiceSecrets__runner"] = "runner-secret";
        using var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            using var http = new HttpClient();
            var waited = Stopwatch.StartNew();
            while (true)
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"));
                    Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                    return;
                }
                catch (HttpRequestException) when (!process.HasExited && waited.Elapsed < TimeSpan.FromSeconds(30))
                {
                    await Task.Delay(50);
                }
            }
        }
        catch (HttpRequestException)
        {
            process.Kill();
            Assert.Fail($"The executable did not answer:\n{string.Join('\n', await output)}");
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
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
