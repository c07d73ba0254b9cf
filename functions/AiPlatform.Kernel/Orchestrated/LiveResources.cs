using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Orchestrated;

/// <summary>What of a kind has not ended and whose orchestration was asked for: the same question for every table of such resources.</summary>
public static class LiveResources
{
    /// <summary>The next ones in the order of their ids.</summary>
    /// <param name="table">The table, with <c>id</c>, <c>created_at</c> and <c>ended_at</c>.</param>
    /// <param name="cancelling">Since when a row (<c>t</c>) is being cancelled, in SQL.</param>
    /// <param name="after">The last one seen; null from the beginning.</param>
    /// <param name="before">Only what was made before.</param>
    public static async Task<IReadOnlyList<LiveResource>> ListAsync(
        Database database, string table, string cancelling, string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<LiveResource>(new CommandDefinition(
            $"""
            SELECT t.id, {cancelling} AS cancelling_since FROM {table} t
            WHERE t.ended_at IS NULL AND t.created_at < @before AND (@after::text IS NULL OR t.id > @after)
              AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.instance_id = t.id AND o.kind = 'start-orchestration' AND NOT o.parked)
            ORDER BY t.id LIMIT @limit
            """,
            new { after, before, limit },
            cancellationToken: cancellationToken))).AsList();
    }
}
