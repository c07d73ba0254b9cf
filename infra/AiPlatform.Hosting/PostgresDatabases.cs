using Npgsql;

namespace AiPlatform.Hosting;

/// <summary>Creates databases that a process needs and that may not exist yet.</summary>
public static class PostgresDatabases
{
    /// <summary>
    /// Creates the database named in <paramref name="connectionString"/> when it is missing. Safe to call from
    /// several processes at once. Fails with <see cref="NpgsqlException"/> when the server is away.
    /// </summary>
    public static async Task EnsureCreatedAsync(string connectionString, CancellationToken cancellationToken)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        var database = builder.Database ?? throw new ArgumentException("The connection string names no database.", nameof(connectionString));
        builder.Database = "postgres";
        builder.Pooling = false;
        await using var source = PostgresConnection.Create(builder.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection)
        {
            Parameters = { new() { Value = database } },
        };
        if (await exists.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not null)
        {
            return;
        }

        try
        {
            await using var create = new NpgsqlCommand($"CREATE DATABASE \"{database.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
            await create.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another process created it between the look and the statement.
        }
    }
}
