using Npgsql;

namespace AiPlatform.IntegrationTests.Servers;

[Collection(ServersCollection.Name)]
public sealed class PostgresFixtureTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_created_database_answers_queries()
    {
        var connectionString = await postgres.CreateDatabaseAsync("smoke");
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("SELECT 40 + 2");
        Assert.Equal(42, await command.ExecuteScalarAsync());
    }
}
