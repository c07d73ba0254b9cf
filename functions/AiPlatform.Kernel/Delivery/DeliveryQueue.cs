using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Delivery;

/// <summary>A channel as operators see it: what waits, what was given up, and its replay.</summary>
/// <param name="channel">Its name.</param>
/// <param name="table">Where its rows lie.</param>
/// <param name="database">The database.</param>
/// <param name="wake">Wakes its engine.</param>
public sealed class DeliveryQueue(string channel, DeliveryTable table, Database database, Action wake)
{
    /// <summary>Where counting ends.</summary>
    public const int MostCounted = 10_000;

    /// <summary>Rows that are replayed at once.</summary>
    public const int MostReplayed = 1_000;

    /// <summary>Its name.</summary>
    public string Channel => channel;

    /// <summary>Delivers what waits, now.</summary>
    public void Wake() => wake();

    /// <summary>What waits and what was given up.</summary>
    public async Task<DeliveryCounts> CountAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<DeliveryCounts>(new CommandDefinition(
            $"""
            SELECT (SELECT count(*)::int FROM (SELECT 1 FROM {table.Name} WHERE NOT {table.Parked} LIMIT @MostCounted) w) AS waiting,
                (SELECT count(*)::int FROM (SELECT 1 FROM {table.Name} WHERE {table.Parked} LIMIT @MostCounted) p) AS parked,
                (SELECT min(at) FROM (SELECT {table.CreatedAt} AS at FROM {table.Name} WHERE NOT {table.Parked} LIMIT @MostCounted) o) AS oldest_at
            """,
            new { MostCounted },
            cancellationToken: cancellationToken));
    }

    /// <summary>Rows that were given up, by id.</summary>
    /// <param name="after">The last one seen; null from the beginning.</param>
    /// <param name="limit">How many at most.</param>
    /// <exception cref="ApiException">400 <c>invalid_page_token</c>.</exception>
    public async Task<IReadOnlyList<ParkedRow>> ListParkedAsync(string? after, int limit, CancellationToken cancellationToken)
    {
        if (after is not null && table.IdType == "bigint" && !long.TryParse(after, out _))
        {
            throw new ApiException(Contracts.ErrorCodes.InvalidPageToken) { Field = "pageToken" };
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<ParkedRow>(new CommandDefinition(
            $"""
            SELECT id::text AS id, {table.Key} AS key, {table.Kind} AS kind, attempts, last_error, {table.CreatedAt} AS created_at FROM {table.Name}
            WHERE {table.Parked} AND (@after::text IS NULL OR id > @after::{table.IdType}) ORDER BY id LIMIT @limit
            """,
            new { after, limit },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Delivers rows again that were given up, as if they had never been tried; the oldest ids first, a bounded number.</summary>
    /// <param name="ids">Which ones; null for all.</param>
    /// <returns>How many they are.</returns>
    public async Task<int> ReplayAsync(string[]? ids, CancellationToken cancellationToken)
    {
        var replayed = await database.InWorkAsync(
            work => work.ExecuteAsync(
                $"""
                UPDATE {table.Name} SET {table.Parked} = false, attempts = 0, due_at = now() WHERE id IN (
                    SELECT id FROM {table.Name} WHERE {table.Parked} AND (@ids::text[] IS NULL OR id::text = ANY(@ids)) ORDER BY id LIMIT @MostReplayed FOR UPDATE SKIP LOCKED)
                """,
                new { ids, MostReplayed }),
            cancellationToken);
        wake();
        return replayed;
    }
}
