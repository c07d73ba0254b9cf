using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>The official JavaScript SDK, client and worker, runs on our hub unchanged.</summary>
[Collection(ServersCollection.Name)]
public sealed class ConformanceTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_official_SDK_works_unchanged()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        using var node = Conformance.Start("durabletask.test.mjs", hub.GrpcPort, "--test", "--test-reporter=spec");
        var output = node.StandardOutput.ReadToEndAsync();
        var errors = node.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        await node.WaitForExitAsync(deadline.Token);
        Assert.True(node.ExitCode == 0, await output + await errors);
    }
}
