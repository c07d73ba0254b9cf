using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Tick;

/// <summary>Deletes old events, idempotency keys and notes of changed runs, a bounded number at each tick.</summary>
public sealed class RetentionSweep(Database database, IOptions<RetentionOptions> options, TimeProvider time) : ITickTask
{
    private const int Batch = 20_000;

    /// <summary>Who keeps runs in memory and has not looked for changes for so long reads them anew.</summary>
    public static TimeSpan RunChanges { get; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE created_at < @before ORDER BY created_at LIMIT @Batch)",
            new { before = now - options.Value.Events, Batch },
            cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM idempotency_keys WHERE (caller_id, key) IN
                (SELECT caller_id, key FROM idempotency_keys WHERE created_at < @before ORDER BY created_at LIMIT @Batch)
            """,
            new { before = now - options.Value.IdempotencyKeys, Batch },
            cancellationToken: cancellationToken));

        // By the database's clock, which wrote them. Small enough to be read from its beginning.
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM run_changes WHERE ctid = ANY(ARRAY(SELECT ctid FROM run_changes WHERE at < now() - @RunChanges LIMIT @Batch * 10))",
            new { RunChanges, Batch },
            cancellationToken: cancellationToken));
    }
}
