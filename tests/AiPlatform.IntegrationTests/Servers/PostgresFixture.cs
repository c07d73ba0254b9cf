using AiPlatform.Functions;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Local.Servers;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>One real PostgreSQL server for all tests of a collection; each test asks for a database of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"aip-tests-{Guid.NewGuid():N}");

    private readonly Lazy<Task<string>> _template;

    public PostgresFixture() => _template = new(MakeTemplateAsync);

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

    /// <summary>Creates a database with the app's migrations, and nothing else in it: a copy of one that was migrated once.</summary>
    public async Task<string> CreateMigratedAsync(string name)
    {
        var (template, copy) = (await _template.Value, $"{name}_{Guid.NewGuid():N}");
        await using var connection = new NpgsqlConnection(Server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE \"{copy}\" TEMPLATE \"{template}\"", connection);
        await command.ExecuteNonQueryAsync();
        return Server.ConnectionString(copy);
    }

    private async Task<string> MakeTemplateAsync()
    {
        var name = $"template_{Guid.NewGuid():N}";
        var state = new StartupState();
        await using (var database = new Database(Server.ConnectionString(name)))
        {
            using var startup = new DatabaseStartup(database, Areas.All, state, [], NullLogger<DatabaseStartup>.Instance);
            await startup.StartAsync(CancellationToken.None);
            await state.WaitAsync(CancellationToken.None);
            await startup.StopAsync(CancellationToken.None);
        }

        return name;
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
