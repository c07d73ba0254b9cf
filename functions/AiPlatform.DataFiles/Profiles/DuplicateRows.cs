using AiPlatform.DataFiles.Engine;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Counts rows that repeat an earlier row, exactly: hashes tell which rows may be equal, their values whether they are.</summary>
internal static class DuplicateRows
{
    /// <summary>Rows that repeat an earlier one in all of the columns.</summary>
    public static async Task<long> CountAsync(EngineSession session, EngineTable table, IReadOnlyList<EngineColumn> columns, CancellationToken cancellationToken)
    {
        if (columns.Count == 0 || table.Rows < 2)
        {
            return 0;
        }

        // Bytes for bytes, but for what has several forms of one value.
        var values = columns.Select(static column => column.IsUntyped || column.Family is ValueFamily.Interval or ValueFamily.Nested ? column.Value : column.Sql).ToList();
        var hash = $"hash({string.Join(", ", values)})";
        var candidates = await session.OneAsync(
            $"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM {table.From} GROUP BY {hash} HAVING count(*) > 1)", [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        return candidates == 0
            ? 0
            : await session.OneAsync(
                $"""
                SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (
                    SELECT count(*) AS n FROM {table.From}
                    WHERE {hash} IN (SELECT {hash} FROM {table.From} GROUP BY {hash} HAVING count(*) > 1)
                    GROUP BY {string.Join(", ", values)} HAVING count(*) > 1)
                """,
                [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
    }
}
