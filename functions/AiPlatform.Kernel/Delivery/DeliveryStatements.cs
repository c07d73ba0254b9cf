using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Delivery;

/// <summary>The statements of the engine over one table.</summary>
internal sealed class DeliveryStatements
{
    private const int MaxError = 500;
    private const int LettersOfLock = 6;

    private readonly long _lock;
    private readonly string _lease;
    private readonly string _delete;
    private readonly string _return;

    public DeliveryStatements(DeliveryTable table)
    {
        // As the release before did: instances of both take turns.
        _lock = table.Name.Take(LettersOfLock).Aggregate(0L, static (value, letter) => (value << 8) | letter);
        DueCondition = Due(table);
        _lease = Lease(table);
        _delete = $"DELETE FROM {table.Name} WHERE id = ANY(@done::{table.IdType}[])";

        // Who has lost the lease meanwhile changes nothing: the number of attempts tells.
        _return =
            $"""
            UPDATE {table.Name} d SET due_at = now() + make_interval(secs => u.pause), attempts = d.attempts - u.untried, {table.Parked} = u.parked,
                last_error = coalesce(u.error, d.last_error)
            FROM unnest(@ids::{table.IdType}[], @attempts, @untried, @pauses, @parked, @errors) AS u (id, attempts, untried, pause, parked, error)
            WHERE d.id = u.id AND d.attempts = u.attempts
            """;
    }

    /// <summary>True while there is something to lease.</summary>
    public string DueCondition { get; }

    /// <summary>
    /// Leases the next rows of keys that nobody holds, in one round trip. One lease at a time in the whole platform: only so is "no earlier row of
    /// this key is under way" true when it is read.
    /// </summary>
    /// <param name="busy">Keys that this process holds.</param>
    /// <param name="room">How many keys it may take.</param>
    public Task<List<TRow>> LeaseAsync<TRow>(Database database, DeliveryPace pace, string[] busy, int room, CancellationToken cancellationToken)
        where TRow : DeliveryRow
        => database.InOneStatementAsync(
            async connection =>
            {
                using var results = await connection.QueryMultipleAsync(new CommandDefinition(
                    _lease, new { ClaimLock = _lock, busy, room, pace.OfKey, pace.Lease }, cancellationToken: cancellationToken));
                await results.ReadAsync<int>();
                return (await results.ReadAsync<TRow>()).AsList();
            },
            cancellationToken);

    /// <summary>Settles what was leased: deletes what was delivered and gives back the rest. One statement where one is enough.</summary>
    public async Task SettleAsync(UnitOfWork work, IReadOnlyList<DeliveryRow> done, IReadOnlyList<ReturnedRow> returned)
    {
        if (done.Count > 0)
        {
            await work.ExecuteAsync(_delete, new { done = done.Select(static row => row.Id).ToArray() });
        }

        if (returned.Count > 0)
        {
            await work.ExecuteAsync(
                _return,
                new
                {
                    ids = returned.Select(static item => item.Row.Id).ToArray(),
                    attempts = returned.Select(static item => item.Row.Attempts).ToArray(),
                    untried = returned.Select(static item => item.IsTried ? 0 : 1).ToArray(),
                    pauses = returned.Select(static item => item.Pause.TotalSeconds).ToArray(),
                    parked = returned.Select(static item => item.IsParked).ToArray(),
                    errors = returned.Select(static item => item.Error is null ? null : StorableText.Of(item.Error, MaxError)).ToArray(),
                });
        }
    }

    /// <summary>Deletes what was delivered, where nothing else is to be done.</summary>
    public async Task DeleteAsync(Database database, IReadOnlyList<DeliveryRow> done, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(_delete, new { done = done.Select(static row => row.Id).ToArray() }, cancellationToken: cancellationToken));
    }

    private static string Due(DeliveryTable table)
        => table.Targets is { } targets
            ? $"EXISTS (SELECT 1 FROM {targets.Table} t WHERE ({targets.IsReady}) AND EXISTS (SELECT 1 FROM {table.Name} d WHERE d.{table.Key} = t.id AND NOT d.{table.Parked} AND d.due_at <= now()))"
            : $"EXISTS (SELECT 1 FROM {table.Name} WHERE NOT {table.Parked} AND due_at <= now())";

    // statement_timestamp() is taken when the lock is held; now() would be older than what others have settled meanwhile.
    private static string Lease(DeliveryTable table)
    {
        var sql = new StringBuilder("SELECT 1 FROM pg_advisory_xact_lock(@ClaimLock); ");
        sql.Append("WITH due AS (SELECT s.id, row_number() OVER (ORDER BY s.position) AS place FROM (")
            .Append(table.Targets is { } targets ? OfTargets(table, targets) : OfTable(table))
            .Append(") s) ");
        sql.Append($"UPDATE {table.Name} d SET due_at = statement_timestamp() + @Lease, attempts = d.attempts + 1 FROM due{(table.Targets is null ? "" : $", {table.Targets.Table} t")} ");

        // Again: an instance of the release before may have taken it without the lock.
        sql.Append($"WHERE d.id = due.id AND NOT d.{table.Parked} AND d.due_at <= statement_timestamp(){(table.Targets is null ? "" : $" AND t.id = d.{table.Key}")} ");
        return sql.Append($"RETURNING d.id::text AS id, d.{table.Key} AS key, d.attempts, due.place, {table.Columns}").ToString();
    }

    private static string OfTable(DeliveryTable table)
        => $"""
            SELECT d.id, d.{table.Order} AS position FROM {table.Name} d
            WHERE NOT d.{table.Parked} AND d.due_at <= statement_timestamp() AND d.{table.Key} <> ALL(@busy)
            {(table.IsOrdered ? $"AND NOT EXISTS (SELECT 1 FROM {table.Name} e WHERE e.{table.Key} = d.{table.Key} AND e.{table.Order} < d.{table.Order} AND NOT e.{table.Parked} AND e.due_at > statement_timestamp())" : "")}
            ORDER BY d.{table.Order} LIMIT @room
            """;

    private static string OfTargets(DeliveryTable table, DeliveryTargets targets)
    {
        string Rows(string key) => $"FROM {table.Name} w WHERE w.{table.Key} = {key} AND NOT w.{table.Parked} AND w.due_at <= statement_timestamp() ORDER BY w.{table.Order}";
        return $"""
            SELECT d.id, d.position FROM (
                SELECT t.id FROM {targets.Table} t CROSS JOIN LATERAL (SELECT w.due_at {Rows("t.id")} LIMIT 1) head
                WHERE ({targets.IsReady}) AND t.id <> ALL(@busy)
                {(table.IsOrdered ? $"AND NOT EXISTS (SELECT 1 FROM {table.Name} u WHERE u.{table.Key} = t.id AND NOT u.{table.Parked} AND u.due_at > statement_timestamp())" : "")}
                ORDER BY head.due_at LIMIT @room) k
            CROSS JOIN LATERAL (SELECT w.id, w.{table.Order} AS position {Rows("k.id")} LIMIT @OfKey) d
            """;
    }
}
