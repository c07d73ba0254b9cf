using System.Reflection;
using AiPlatform.Hosting;
using AiPlatform.Hosting.Migrations;

namespace AiPlatform.Kernel.Postgres;

/// <summary>
/// Creates and migrates the database, runs the start tasks, then opens the gate. It tries until it succeeds, so that the
/// order in which servers start does not matter. An advisory lock lets one instance migrate at a time.
/// </summary>
public sealed partial class DatabaseStartup(
    Database database, IEnumerable<IArea> areas, StartupState state, IEnumerable<IStartupTask> tasks, ILogger<DatabaseStartup> logger) : BackgroundService
{
    // Any constant that no other user of the database takes.
    private const long MigrationLock = 0x6169_706c_6174;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    // The journal and the order know scripts by their names alone: which assembly one comes from may change.
    private readonly Assembly[] _assemblies = [typeof(DatabaseStartup).Assembly, .. areas.Select(static area => area.GetType().Assembly)];

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await PostgresDatabases.EnsureCreatedAsync(database.ConnectionString, stoppingToken);
                await MigrateAsync(stoppingToken);
                foreach (var task in tasks)
                {
                    await task.RunAsync(stoppingToken);
                }

                state.SetReady();
                LogReady(logger);
                return;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotReady(logger, exception.GetType().Name, exception.Message, attempt);
                await Task.Delay(BackOff.After(attempt, FirstDelay, MaxDelay), stoppingToken);
            }
        }
    }

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var source = PostgresConnection.Create(database.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        var scripts = await MigrationRunner.RunAsync(
            connection, MigrationLock, MigrationJournal.OfNames("schemaversions"), MigrationScript.In(_assemblies), cancellationToken);
        foreach (var script in scripts)
        {
            LogMigrated(logger, script);
        }
    }

    [LoggerMessage(110, LogLevel.Information, "The database is ready")]
    private static partial void LogReady(ILogger logger);

    [LoggerMessage(111, LogLevel.Warning, "The database is not ready ({Kind}: {Reason}), attempt {Attempt}")]
    private static partial void LogNotReady(ILogger logger, string kind, string reason, int attempt);

    [LoggerMessage(112, LogLevel.Information, "Migrated: {Script}")]
    private static partial void LogMigrated(ILogger logger, string script);
}
