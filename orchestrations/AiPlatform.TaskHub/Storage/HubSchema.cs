using AiPlatform.Hosting;
using AiPlatform.Hosting.Migrations;
using Npgsql;

namespace AiPlatform.TaskHub.Storage;

/// <summary>Creates the database and brings its schema up to date.</summary>
internal static class HubSchema
{
    private const long MigrationLock = 0x7461736b_6d696772;

    public static async Task MigrateAsync(string connectionString, CancellationToken cancellationToken)
    {
        await PostgresDatabases.EnsureCreatedAsync(connectionString, cancellationToken);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await MigrationRunner.RunAsync(
            connection, MigrationLock, MigrationJournal.OfNumbers("schema_versions"), MigrationScript.In(typeof(HubSchema).Assembly), cancellationToken);
    }
}
