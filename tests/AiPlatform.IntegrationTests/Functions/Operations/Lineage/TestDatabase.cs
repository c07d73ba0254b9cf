using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Operations.Lineage;

/// <summary>Looks into the database where the API shows nothing.</summary>
internal static class TestDatabase
{
    /// <summary>The first value of the first row, as text.</summary>
    public static async Task<string?> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (await command.ExecuteScalarAsync())?.ToString();
    }
}
