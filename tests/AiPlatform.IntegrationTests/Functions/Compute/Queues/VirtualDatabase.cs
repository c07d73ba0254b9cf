using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>One database for the tests of a class, which run one after the other.</summary>
public sealed class VirtualDatabase(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>Its connection string.</summary>
    public string ConnectionString { get; private set; } = string.Empty;

    public async Task InitializeAsync() => ConnectionString = await postgres.CreateMigratedAsync("virtual");

    public Task DisposeAsync() => Task.CompletedTask;
}
