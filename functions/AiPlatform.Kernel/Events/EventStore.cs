using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Events;

/// <summary>Reads the event stream.</summary>
public sealed class EventStore(Database database)
{
    private const string Settled = "xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

    /// <summary>The place behind everything that is settled: what commits from now on comes after it.</summary>
    public async Task<EventPosition> EndAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var oldestRunning = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint", cancellationToken: cancellationToken));
        return new EventPosition(oldestRunning - 1, long.MaxValue);
    }

    /// <summary>Settled events of any topic after a place, and whether there are more that are not settled yet.</summary>
    public async Task<(IReadOnlyList<EventRow> Rows, bool Pending)> ReadAsync(EventPosition after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = (await connection.QueryAsync<EventRow>(new CommandDefinition(
            $"SELECT id, xid, topic, kind, data::text AS data FROM events WHERE (xid, id) > (@Xid, @Id) AND {Settled} ORDER BY xid, id LIMIT @limit",
            new { after.Xid, after.Id, limit },
            cancellationToken: cancellationToken))).AsList();
        var last = rows.Count > 0 ? rows[^1].Position : after;
        var pending = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT 1 FROM events WHERE (xid, id) > (@Xid, @Id))", new { last.Xid, last.Id }, cancellationToken: cancellationToken));
        return (rows, pending);
    }

    /// <summary>Settled events of some topics after a place.</summary>
    public async Task<IReadOnlyList<EventRow>> ReadAsync(
        IReadOnlyList<string> topics, EventPosition after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<EventRow>(new CommandDefinition(
            $"""
            SELECT id, xid, topic, kind, data::text AS data FROM events
            WHERE topic = ANY(@topics) AND (xid, id) > (@Xid, @Id) AND {Settled}
            ORDER BY xid, id LIMIT @limit
            """,
            new { topics = topics.ToArray(), after.Xid, after.Id, limit },
            cancellationToken: cancellationToken))).AsList();
    }
}
