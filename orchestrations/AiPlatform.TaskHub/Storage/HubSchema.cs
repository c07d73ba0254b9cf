using System.Globalization;
using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.TaskHub.Storage;

/// <summary>Creates the database and brings its schema up to date: numbered scripts, forward only, one process at a time.</summary>
internal static class HubSchema
{
    private const long MigrationLock = 0x7461736b_6d696772;

    public static async Task MigrateAsync(string connectionString, CancellationToken cancellationToken)
    {
        await PostgresDatabases.EnsureCreatedAsync(connectionString, cancellationToken);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({MigrationLock})", cancellationToken);
        await ExecuteAsync(connection, "CREATE TABLE IF NOT EXISTS schema_versions (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())", cancellationToken);
        var current = await ScalarAsync(connection, "SELECT coalesce(max(version), 0) FROM schema_versions", cancellationToken);
        foreach (var (version, script) in Scripts().Where(script => script.Version > current))
        {
            await ExecuteAsync(connection, script, cancellationToken);
            await ExecuteAsync(connection, $"INSERT INTO schema_versions (version) VALUES ({version})", cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static IEnumerable<(int Version, string Script)> Scripts()
    {
        const string Folder = ".Storage.Migrations.";
        var assembly = typeof(HubSchema).Assembly;
        return assembly.GetManifestResourceNames()
            .Where(name => name.Contains(Folder, StringComparison.Ordinal))
            .Select(name =>
            {
                var start = name.IndexOf(Folder, StringComparison.Ordinal) + Folder.Length;
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return (int.Parse(name.AsSpan(start, 4), CultureInfo.InvariantCulture), reader.ReadToEnd());
            })
            .OrderBy(script => script.Item1);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<int> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
