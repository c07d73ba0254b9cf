using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>The hub alone, started and looked into by the commands of the orchestrations' README, with the JavaScript of the same README in between.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class ReadmeShellTests(PostgresFixture postgres)
{
    private const string Readme = "orchestrations/README.md";
    private const string Key = "a-key-of-16-characters-or-more";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task The_hub_starts_alone_runs_what_the_JavaScript_says_and_lists_it()
    {
        var blocks = await ReadmeShell.BlocksAsync(Readme, "sh");
        Assert.Equal(2, blocks.Count);
        var (grpc, http) = (TcpPorts.Free(), TcpPorts.Free());
        var folder = Directory.CreateTempSubdirectory("aip-hub-alone-").FullName;
        using var hub = ReadmeShell.Start(
            blocks[0], folder, ("Host=127.0.0.1;Database=taskhub;Username=…;Password=…", await postgres.CreateDatabaseAsync("alone")), ("4001", $"{grpc}"), ("4002", $"{http}"));
        var output = hub.StandardOutput.ReadToEndAsync();
        try
        {
            using var client = new HttpClient();
            await Eventually.TrueAsync(
                async () => hub.HasExited || (await client.GetAsync($"http://127.0.0.1:{http}/health/ready")).IsSuccessStatusCode, "the hub is ready", Patience);
            Assert.False(hub.HasExited, hub.HasExited ? await output : null);
            await Conformance.RunAsync("durabletask.readme.test.mjs", ("TASKHUB_ADDRESS", $"127.0.0.1:{grpc}"), ("TASKHUB_KEY", Key));
            using var list = ReadmeShell.Start(blocks[1], folder, ("4001", $"{grpc}"));
            Assert.Matches(@"\ttrainInJs\tCompleted\t", await list.StandardOutput.ReadToEndAsync());
        }
        finally
        {
            hub.Kill(entireProcessTree: true);
            await hub.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
