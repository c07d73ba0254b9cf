using AiPlatform.Hosting;
using AiPlatform.Local.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>
/// The PostgreSQL server of all collections; each test asks for a database of its own. The first collection starts it, and the last that
/// runs stops it.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private static readonly SemaphoreSlim Gate = new(1);
    private static TestPostgres? _shared;
    private static int _users;

    private TestPostgres? _postgres;

    public PostgresServer Server => _postgres!.Server;

    public async Task InitializeAsync()
    {
        await Gate.WaitAsync();
        try
        {
            _postgres = _shared ??= await TestPostgres.StartAsync();
            _users++;
        }
        finally
        {
            Gate.Release();
        }
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
        var (template, copy) = (await _postgres!.Template.Value, $"{name}_{Guid.NewGuid():N}");
        await using var connection = new NpgsqlConnection(Server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE \"{copy}\" TEMPLATE \"{template}\"", connection);
        await command.ExecuteNonQueryAsync();
        return Server.ConnectionString(copy);
    }

    public async Task DisposeAsync()
    {
        await Gate.WaitAsync();
        try
        {
            if (_postgres is not null && --_users == 0)
            {
                _shared = null;
                await _postgres.DisposeAsync();
            }
        }
        finally
        {
            Gate.Release();
        }
    }
}
