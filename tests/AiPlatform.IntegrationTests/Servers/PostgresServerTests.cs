using AiPlatform.Local.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.Servers;

public sealed class PostgresServerTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"aip postgres {Guid.NewGuid():N}");
    private PostgresServer _server = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_directory);
        _server = await PostgresServer.StartAsync(Path.Combine(_directory, "data"), 0, "secret", CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Committed_rows_survive_a_kill()
    {
        await ExecuteAsync(_server, "CREATE TABLE t (i int); INSERT INTO t VALUES (42)");

        await _server.KillAsync();
        await _server.RestartAsync(CancellationToken.None);

        Assert.Equal(42, await ExecuteAsync(_server, "SELECT i FROM t"));
    }

    [Fact]
    public async Task A_server_that_outlived_its_platform_is_replaced()
    {
        await ExecuteAsync(_server, "CREATE TABLE t (i int); INSERT INTO t VALUES (7)");
        var orphan = _server.ProcessId;

        await using var successor = await PostgresServer.StartAsync(_server.DataDirectory, 0, "secret", CancellationToken.None);

        Assert.NotEqual(orphan, successor.ProcessId);
        Assert.Equal(0, _server.ProcessId);
        Assert.Equal(7, await ExecuteAsync(successor, "SELECT i FROM t"));
    }

    private static async Task<object?> ExecuteAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
