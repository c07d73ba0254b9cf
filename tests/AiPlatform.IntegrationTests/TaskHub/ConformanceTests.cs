using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>The official JavaScript SDK, client and worker, runs on our hub unchanged.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class ConformanceTests(PostgresFixture postgres, AzuriteFixture azurite)
{
    [Fact]
    public async Task The_official_SDK_works_unchanged()
    {
        await using var hub = await HubHarness.StartAsync(
            await postgres.CreateDatabaseAsync("taskhub"), $"--ConnectionStrings:Blob={azurite.ConnectionString}", $"--TaskHub:PayloadContainer=payloads-{Guid.NewGuid():N}");
        await Conformance.RunAsync("durabletask.test.mjs", ("TASKHUB_ADDRESS", $"127.0.0.1:{hub.GrpcPort}"), ("TASKHUB_KEY", HubHarness.AccessKey));
    }
}
