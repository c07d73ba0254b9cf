using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Preview;

/// <summary>Compares two versions of a table by key. Keys and values compare as what they are, not as what they look like.</summary>
public static class RowDiffer
{
    /// <summary>Rows of a version at most.</summary>
    public const int MaxRows = 2_000_000;

    /// <summary>Compares.</summary>
    /// <param name="key">The columns whose values tell rows apart.</param>
    /// <param name="shown">Rows of each kind that are shown.</param>
    /// <exception cref="RowDiffException">The key is not in both, or there are too many rows.</exception>
    /// <exception cref="DataFormatException">A version cannot be read.</exception>
    public static async Task<RowDiff> CompareAsync(
        DataEngine engine, (IByteSource Source, TableFormat Format) before, (IByteSource Source, TableFormat Format) now, IReadOnlyList<string> key, int shown,
        CancellationToken cancellationToken)
    {
        using var stagedBefore = await TableStager.StageAsync(engine, before.Source, before.Format, cancellationToken).ConfigureAwait(false);
        using var stagedNow = await TableStager.StageAsync(engine, now.Source, now.Format, cancellationToken).ConfigureAwait(false);
        using var session = await engine.OpenAsync(cancellationToken).ConfigureAwait(false);
        var earlier = await EngineTable.OpenAsync(session, stagedBefore, cancellationToken).ConfigureAwait(false);
        var later = await EngineTable.OpenAsync(session, stagedNow, cancellationToken).ConfigureAwait(false);
        return await BrokenColumns.WithoutAsync(
            session, earlier, new DataIssues(),
            left => BrokenColumns.WithoutAsync(session, later, new DataIssues(), right => RunAsync(session, left, right, key, shown, cancellationToken), cancellationToken),
            cancellationToken).ConfigureAwait(false);
    }

    // Columns that cannot be read in one of the versions are not compared.
    private static async Task<RowDiff> RunAsync(EngineSession session, EngineTable earlier, EngineTable later, IReadOnlyList<string> key, int shown, CancellationToken cancellationToken)
    {
        var pairs = Readable(earlier).Join(Readable(later), static left => left.Column.Name, static right => right.Column.Name, static (left, right) => new ColumnPair(left, right), StringComparer.Ordinal).ToList();
        var keys = key.Select(name => pairs.Find(pair => pair.Name == name) ?? throw new RowDiffException("noColumn", name)).ToList();
        if (Math.Max(earlier.Rows, later.Rows) > MaxRows)
        {
            throw new RowDiffException("tooLarge", MaxRows);
        }

        return await new Comparison(session, earlier, later, keys, [.. pairs.Where(pair => !key.Contains(pair.Name))], shown).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    private static IEnumerable<EngineColumn> Readable(EngineTable table) => table.Columns.Where(static column => !column.IsBroken);

    private sealed class Comparison(EngineSession session, EngineTable before, EngineTable now, List<ColumnPair> keys, List<ColumnPair> rest, int shown)
    {
        public async Task<RowDiff> RunAsync(CancellationToken cancellationToken)
        {
            // Of rows with the same key the first counts.
            await session.ExecuteAsync(
                $"""
                CREATE OR REPLACE TEMP TABLE matched AS
                WITH b AS (SELECT {Keys(static pair => pair.LeftSql())}, min(rn) AS rn, count(*) AS n FROM {Before} GROUP BY {KeyNames}),
                     n AS (SELECT {Keys(static pair => pair.RightSql())}, min(rn) AS rn, count(*) AS n FROM {Now} GROUP BY {KeyNames})
                SELECT b.rn AS b, n.rn AS n, coalesce(b.n - 1, 0) + coalesce(n.n - 1, 0) AS repeated
                FROM b FULL JOIN n ON {string.Join(" AND ", keys.Select(static (_, index) => $"b.k{index} IS NOT DISTINCT FROM n.k{index}"))}
                """,
                cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync(
                $"""
                CREATE OR REPLACE TEMP TABLE changed AS
                SELECT m.b, m.n FROM matched m JOIN {Before} AS l ON l.rn = m.b JOIN {Now} AS r ON r.rn = m.n
                WHERE NOT ({(rest.Count == 0 ? "TRUE" : string.Join(" AND ", rest.Select(static pair => pair.AreEqual("l", "r"))))})
                """,
                cancellationToken).ConfigureAwait(false);
            var (added, removed, both, repeated) = await session.OneAsync(
                "SELECT count(*) FILTER (b IS NULL), count(*) FILTER (n IS NULL), count(*) FILTER (b IS NOT NULL AND n IS NOT NULL), coalesce(sum(repeated), 0)::BIGINT FROM matched", [],
                static row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)), cancellationToken).ConfigureAwait(false);
            var changed = await session.OneAsync("SELECT count(*) FROM changed", [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
            return new RowDiff(
                added, removed, changed, both - changed, repeated, [.. before.Columns.Select(static column => column.Column.Name).Where(IsCommon)],
                await WholeAsync(now, "n", isNow: true, cancellationToken).ConfigureAwait(false), await WholeAsync(before, "b", isNow: false, cancellationToken).ConfigureAwait(false),
                await ChangedAsync(cancellationToken).ConfigureAwait(false));
        }

        private string Before => ColumnPair.WithForms(before, [.. keys.Concat(rest).Where(static pair => pair.NeedsForm(pair.Left)).Select(static pair => pair.Left)]);

        private string Now => ColumnPair.WithForms(now, [.. keys.Concat(rest).Where(static pair => pair.NeedsForm(pair.Right)).Select(static pair => pair.Right)]);

        private string KeyNames => string.Join(", ", keys.Select(static (_, index) => $"k{index}"));

        private bool IsCommon(string name) => keys.Concat(rest).Any(pair => pair.Name == name);

        private string Keys(Func<ColumnPair, string> cell) => string.Join(", ", keys.Select((pair, index) => $"{cell(pair)} AS k{index}"));

        private Task<List<RowChange>> WholeAsync(EngineTable table, string side, bool isNow, CancellationToken cancellationToken)
        {
            EngineColumn[] columns = [.. keys.Concat(rest).Select(pair => isNow ? pair.Right : pair.Left)];
            var sql = $"SELECT {string.Join(", ", columns.Select(static column => column.ShownOf($"t.{column.Sql}")))} FROM matched m JOIN {table.From} AS t ON t.rn = m.{side} "
                + $"WHERE m.{(isNow ? "b" : "n")} IS NULL ORDER BY m.{side} LIMIT {shown}";
            return session.ListAsync(
                sql, [],
                row =>
                {
                    var values = columns.Select((column, index) => ShownValue.Read(row, index, column)).ToArray();
                    return new RowChange(values[..keys.Count], [.. rest.Select((pair, index) => new CellChange(pair.Name, isNow ? null : values[keys.Count + index], isNow ? values[keys.Count + index] : null))]);
                },
                cancellationToken);
        }

        private Task<List<RowChange>> ChangedAsync(CancellationToken cancellationToken)
        {
            var selected = keys.Select(static pair => pair.Left.ShownOf($"l.{pair.Left.Sql}"))
                .Concat(rest.SelectMany(static pair => new[] { pair.Left.ShownOf($"l.{pair.Left.Sql}"), pair.Right.ShownOf($"r.{pair.Right.Sql}"), pair.AreEqual("l", "r") }));
            var sql = $"SELECT {string.Join(", ", selected)} FROM changed m JOIN {Before} AS l ON l.rn = m.b JOIN {Now} AS r ON r.rn = m.n ORDER BY m.n LIMIT {shown}";
            return session.ListAsync(sql, [], Change, cancellationToken);
        }

        private RowChange Change(DuckDBDataReader row)
        {
            var cells = new List<CellChange>();
            for (var i = 0; i < rest.Count; i++)
            {
                var at = keys.Count + (3 * i);
                if (!row.GetBoolean(at + 2))
                {
                    cells.Add(new CellChange(rest[i].Name, ShownValue.Read(row, at, rest[i].Left), ShownValue.Read(row, at + 1, rest[i].Right)));
                }
            }

            return new RowChange([.. keys.Select((pair, index) => ShownValue.Read(row, index, pair.Left))], cells);
        }
    }
}
