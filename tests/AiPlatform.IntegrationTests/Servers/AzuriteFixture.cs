using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>One real Azurite (blob service) for all tests of a collection.</summary>
public sealed class AzuriteFixture : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"aip-tests-{Guid.NewGuid():N}");

    public AzuriteServer Server { get; private set; } = null!;

    public string ConnectionString => Server.ConnectionString;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_directory);
        Server = await AzuriteServer.StartAsync(Path.Combine(_directory, "blob"), 0, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
