using Npgsql;

namespace AiPlatform.Hosting.Migrations;

/// <summary>
/// Brings a database's schema up to date: forward only, each script in a transaction of its own together with its line in the journal.
/// An advisory lock lets one process at a time do a step; the next looks again what is left.
/// </summary>
public static class MigrationRunner
{
    /// <summary>Runs the scripts that the journal does not name.</summary>
    /// <param name="connection">An open connection without a transaction.</param>
    /// <param name="lockKey">Any constant that no other user of the database takes for its locks.</param>
    /// <param name="journal">Where the database says what it has had.</param>
    /// <param name="scripts">All scripts there are, in any order.</param>
    /// <param name="cancellationToken">Ends the work between or within scripts; what was begun is rolled back.</param>
    /// <returns>The names of the scripts that were run, in their order.</returns>
    /// <exception cref="MigrationException">The database refuses a script.</exception>
    /// <exception cref="NpgsqlException">The database is away.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(
        NpgsqlConnection connection, long lockKey, MigrationJournal journal, IReadOnlyCollection<MigrationScript> scripts, CancellationToken cancellationToken)
    {
        var ordered = scripts.OrderBy(static script => script.Name, StringComparer.Ordinal).ToArray();
        var run = new List<string>();
        while (await StepAsync(connection, lockKey, journal, ordered, cancellationToken).ConfigureAwait(false) is { } name)
        {
            run.Add(name);
        }

        return run;
    }

    private static async Task<string?> StepAsync(
        NpgsqlConnection connection, long lockKey, MigrationJournal journal, IReadOnlyList<MigrationScript> scripts, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, "SELECT pg_advisory_xact_lock($1)", lockKey, cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, journal.Create, null, cancellationToken).ConfigureAwait(false);
        var applied = await AppliedAsync(connection, journal, cancellationToken).ConfigureAwait(false);
        var next = scripts.FirstOrDefault(script => !applied.Contains(journal.KeyOf(script)));
        if (next is not null)
        {
            try
            {
                await ExecuteAsync(connection, next.Sql, null, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException exception) when (!exception.IsTransient)
            {
                throw new MigrationException(next.Name, exception);
            }

            await ExecuteAsync(connection, journal.Record, journal.KeyOf(next), cancellationToken).ConfigureAwait(false);
        }

        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return next?.Name;
    }

    private static async Task<HashSet<string>> AppliedAsync(NpgsqlConnection connection, MigrationJournal journal, CancellationToken cancellationToken)
    {
        var applied = new HashSet<string>(StringComparer.Ordinal);
        await using var read = new NpgsqlCommand(journal.Read, connection);
        await using var reader = await read.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            applied.Add(reader.GetString(0));
        }

        return applied;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, object? value, CancellationToken cancellationToken)
    {
        // However long a step takes on a large table, or another process's step: the token ends it.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        if (value is not null)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
