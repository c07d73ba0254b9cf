using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.FunctionsHost.Timers;

/// <summary>
/// One row for each timer of an app. An occurrence belongs to the host that writes it first, so it fires once; while it runs, a lease keeps
/// the next one from other hosts, until the lease ends with its host. Leases are measured by the database's clock.
/// </summary>
internal sealed class PostgresTimerStore(string connectionString, string app, TimeSpan lease) : ITimerStore, IAsyncDisposable
{
    private const long MigrationLock = 0x66756e63_686f7374;

    private readonly Guid _owner = Guid.NewGuid();
    private readonly SemaphoreSlim _preparing = new(1, 1);
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = 4, ApplicationName = "functions-host" });

    private bool _prepared;

    /// <inheritdoc />
    public async Task<TimerState?> ReadAsync(string function, string schedule, CancellationToken cancellationToken)
    {
        await using var command = await CommandAsync(
            "SELECT last, next FROM functions_host_timers WHERE app = $1 AND function = $2 AND schedule = $3", cancellationToken, app, function, schedule);
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        return await rows.ReadAsync(cancellationToken)
            ? new TimerState(await rows.IsDBNullAsync(0, cancellationToken) ? null : rows.GetFieldValue<DateTimeOffset>(0), rows.GetFieldValue<DateTimeOffset>(1))
            : null;
    }

    /// <inheritdoc />
    public async Task BeginAsync(string function, string schedule, DateTimeOffset next, CancellationToken cancellationToken)
    {
        // Another host may have begun at the same time, or before on an older schedule.
        await using var command = await CommandAsync(
            """
            INSERT INTO functions_host_timers (app, function, schedule, next) VALUES ($1, $2, $3, $4)
            ON CONFLICT (app, function) DO UPDATE SET schedule = excluded.schedule, last = NULL, next = excluded.next, updated = now()
            WHERE functions_host_timers.schedule <> excluded.schedule
            """,
            cancellationToken,
            app,
            function,
            schedule,
            next.ToUniversalTime());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async Task<bool> TryTakeAsync(string function, string schedule, TimerState occurrence, CancellationToken cancellationToken)
    {
        await using var command = await CommandAsync(
            """
            UPDATE functions_host_timers SET last = $4, next = $5, updated = now(), owner = $6, lease_until = now() + $7
            WHERE app = $1 AND function = $2 AND schedule = $3 AND (last IS NULL OR last < $4) AND (owner IS NULL OR lease_until < now())
            """,
            cancellationToken,
            app,
            function,
            schedule,
            occurrence.Last!.Value.ToUniversalTime(),
            occurrence.Next.ToUniversalTime(),
            _owner,
            lease);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <inheritdoc />
    public async Task RenewAsync(string function, CancellationToken cancellationToken)
    {
        await using var command = await CommandAsync(
            "UPDATE functions_host_timers SET lease_until = now() + $4 WHERE app = $1 AND function = $2 AND owner = $3",
            cancellationToken,
            app,
            function,
            _owner,
            lease);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async Task ReleaseAsync(string function, CancellationToken cancellationToken)
    {
        await using var command = await CommandAsync(
            "UPDATE functions_host_timers SET owner = NULL, lease_until = NULL WHERE app = $1 AND function = $2 AND owner = $3",
            cancellationToken,
            app,
            function,
            _owner);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        _preparing.Dispose();
    }

    private async Task<NpgsqlCommand> CommandAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await PrepareAsync(cancellationToken);
        var command = _source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    // At the first use, and again after it failed: the database may come later than this host.
    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _prepared))
        {
            return;
        }

        await _preparing.WaitAsync(cancellationToken);
        try
        {
            if (!_prepared)
            {
                await PostgresDatabases.EnsureCreatedAsync(connectionString, cancellationToken);
                await using var create = _source.CreateCommand($"SELECT pg_advisory_lock({MigrationLock}); {Script()}; SELECT pg_advisory_unlock({MigrationLock})");
                await create.ExecuteNonQueryAsync(cancellationToken);
                Volatile.Write(ref _prepared, true);
            }
        }
        finally
        {
            _preparing.Release();
        }
    }

    private static string Script()
    {
        var assembly = typeof(PostgresTimerStore).Assembly;
        var name = assembly.GetManifestResourceNames().Single(static name => name.EndsWith(".0001_timers.sql", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd().TrimEnd().TrimEnd(';');
    }
}
