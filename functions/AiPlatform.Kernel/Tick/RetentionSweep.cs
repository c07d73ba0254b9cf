using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Tick;

/// <summary>Deletes old events and idempotency keys, a bounded number at each tick.</summary>
public sealed class RetentionSweep(Database database, IOptions<RetentionOptions> options, TimeProvider time) : ITickTask
{
    private const int Batch = 20_000;

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
    }
}
