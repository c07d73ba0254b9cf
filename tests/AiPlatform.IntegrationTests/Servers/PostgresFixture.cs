using AiPlatform.Hosting;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>One real PostgreSQL server for all tests of a collection; each test asks for a database of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"aip-tests-{Guid.NewGuid():N}");

    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_directory);
        Server = await PostgresServer.StartAsync(Path.Combine(_directory, "postgres"), 0, "test", CancellationToken.None);
    }

    /// <summary>Creates an empty database and returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync(string name)
    {
        var connectionString = Server.ConnectionString($"{name}_{Guid.NewGuid():N}");
        await PostgresDatabases.EnsureCreatedAsync(connectionString, CancellationToken.None);
        return connectionString;
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
