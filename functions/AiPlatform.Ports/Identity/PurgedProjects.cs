using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Identity;

/// <summary>Deletes what purged projects have left in the tables of an area.</summary>
public static class PurgedProjects
{
    /// <summary>Deletes the rows in batches, at most a bounded number of them.</summary>
    /// <param name="database">Where the rows are.</param>
    /// <param name="round">The round that they are counted in.</param>
    /// <param name="rows">What the rows are called in the report, and their table.</param>
    /// <param name="joins">From a project <c>p</c> to the rows <c>t</c> of the table, with a condition where some of them must wait.</param>
    public static Task DeleteAsync(Database database, GarbageRound round, (string Kind, string Table) rows, string joins, CancellationToken cancellationToken)
        => PurgedRows.DeleteAsync(
            database,
            round,
            rows.Kind,
            $"""
            DELETE FROM {rows.Table} WHERE ctid = ANY(ARRAY(
                SELECT t.ctid FROM {IdentityRelations.Projects} p {joins} WHERE p.purged_at IS NOT NULL LIMIT @BatchSize))
            """,
            cancellationToken);
}
