using AiPlatform.Hosting.Migrations;
using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>The broker's tables.</summary>
internal static class Schema
{
    private const long MigrationLock = 0x5342_4d49;

    internal static Task MigrateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        => MigrationRunner.RunAsync(
            connection, MigrationLock, MigrationJournal.OfNumbers("schema_version"), MigrationScript.In(typeof(Schema).Assembly), cancellationToken);
}
