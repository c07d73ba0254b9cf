using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>The official JavaScript SDK, client and worker, runs on our hub unchanged.</summary>
[Collection(ServersCollection.Name)]
public sealed class ConformanceTests(PostgresFixture postgres, AzuriteFixture azurite)
{
    [Fact]
    public async Task The_official_SDK_works_unchanged()
    {
        await using var hub = await HubHarness.StartAsync(
            await postgres.CreateDatabaseAsync("taskhub"), $"--ConnectionStrings:Blob={azurite.ConnectionString}", $"--TaskHub:PayloadContainer=payloads-{Guid.NewGuid():N}");
        using var node = Conformance.Start("durabletask.test.mjs", hub.GrpcPort, "--test", "--test-reporter=spec", "--test-timeout=60000");
        var output = node.StandardOutput.ReadToEndAsync();
        var errors = node.StandardError.ReadToEndAsync();
        var exit = node.WaitForExitAsync();
        var ended = await Task.WhenAny(exit, Task.Delay(TimeSpan.FromMinutes(3))) == exit;
        if (!ended)
        {
            node.Kill(entireProcessTree: true);
        }

        Assert.True(ended && node.ExitCode == 0, await output + await errors);
    }
}
