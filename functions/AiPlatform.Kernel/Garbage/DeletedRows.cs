using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>Releases rows of tables that have <c>deleted_at</c> and <c>purged_at</c>, each in a transaction of its own.</summary>
public static class DeletedRows
{
    private const int MaxPerRound = 50;

    /// <summary>Marks what was deleted long enough ago as purged, and lets go of what it held.</summary>
    /// <param name="database">Where the rows are.</param>
    /// <param name="round">The round that they are counted in.</param>
    /// <param name="rows">The table, what its rows are called in the report, and which of them must wait.</param>
    /// <param name="release">Lets go of what a row (id, when it was deleted) held, in the transaction that marks it.</param>
    public static async Task ReleaseAsync(
        Database database, GarbageRound round, DeletedTable rows, Func<UnitOfWork, string, DateTimeOffset, Task> release, CancellationToken cancellationToken)
    {
        for (var released = 0; released < MaxPerRound; released++)
        {
            var found = await database.InWorkAsync(
                async work =>
                {
                    // Locked: a restore waits, and then finds it purged.
                    var row = (await work.QueryAsync<(string Id, DateTimeOffset DeletedAt)>(
                        $"""
                        SELECT t.id, t.deleted_at FROM {rows.Table} t WHERE t.deleted_at < @DeletedBefore AND t.purged_at IS NULL {rows.Condition}
                        ORDER BY t.deleted_at LIMIT 1 FOR UPDATE OF t SKIP LOCKED
                        """,
                        new { round.DeletedBefore })).FirstOrDefault();
                    if (row.Id is null)
                    {
                        return false;
                    }

                    await work.ExecuteAsync($"UPDATE {rows.Table} SET purged_at = @StartedAt WHERE id = @Id", new { row.Id, round.StartedAt });
                    await release(work, row.Id, row.DeletedAt);
                    await round.CountAsync(work, rows.Kind, 1);
                    return true;
                },
                cancellationToken);
            if (!found)
            {
                return;
            }
        }
    }
}

/// <summary>A table whose rows are released.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Kind">What its rows are called in reports.</param>
/// <param name="Condition"><c>AND …</c> over a row <c>t</c>: which rows may go; empty for all.</param>
public sealed record DeletedTable(string Table, string Kind, string Condition = "");
