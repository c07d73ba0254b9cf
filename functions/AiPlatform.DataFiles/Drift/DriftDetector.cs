using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Drift;

/// <summary>Compares the sketches of two versions of a table.</summary>
public static class DriftDetector
{
    private const double PsiLimit = 0.2;
    private const double PLimit = 0.01;
    private const int MinValues = 20;

    /// <summary>Compares tables of the same name; a single table is compared with a single table whatever they are called.</summary>
    public static IReadOnlyList<DriftReport> Compare(IReadOnlyList<TableSketch> before, IReadOnlyList<TableSketch> now)
    {
        if (before.Count == 1 && now.Count == 1)
        {
            return [Compare(before[0], now[0])];
        }

        return [.. now.Join(before, static table => table.Name, static table => table.Name, static (current, earlier) => Compare(earlier, current), StringComparer.Ordinal)];
    }

    /// <summary>Compares two tables.</summary>
    public static DriftReport Compare(TableSketch before, TableSketch now)
    {
        var columns = now.Columns.Join(before.Columns, static column => column.Name, static column => column.Name, static (current, earlier) => MissingDrift.Or(Compare(earlier, current), earlier, current), StringComparer.Ordinal);
        var schema = SchemaDiff.Compare(
            [.. before.Columns.Select(static column => new SchemaColumn(column.Name, column.Type.ToString()))],
            [.. now.Columns.Select(static column => new SchemaColumn(column.Name, column.Type.ToString()))]);
        return new DriftReport(now.Name, before.Rows, now.Rows, [.. columns.OfType<ColumnDrift>().OrderByDescending(static drift => drift.Psi)], schema);
    }

    private static ColumnDrift? Compare(ColumnSketch before, ColumnSketch now)
    {
        var (missingBefore, missingNow) = (Ratio(before), Ratio(now));
        if (before.Sample is { Count: >= MinValues } left && now.Sample is { Count: >= MinValues } right)
        {
            var (a, b) = (left.ToArray(), right.ToArray());
            var (statistic, p) = DriftTests.KolmogorovSmirnov(a, b);
            var psi = DriftTests.Psi(a, b);
            return new ColumnDrift(now.Name, "kolmogorovSmirnov", psi, statistic, p, missingBefore, missingNow, psi >= PsiLimit && p < PLimit);
        }

        if (before.Categories is { Count: > 0 } earlier && now.Categories is { Count: > 0 } current && before.Count - before.Missing >= MinValues && now.Count - now.Missing >= MinValues)
        {
            var values = earlier.Concat(current).Select(static pair => pair.Value).Distinct(StringComparer.Ordinal).ToList();
            var (a, b) = (Counts(earlier, values, before), Counts(current, values, now));
            var (statistic, p) = DriftTests.ChiSquare(a, b);
            var psi = DriftTests.PsiOfCounts(a, b);
            return new ColumnDrift(now.Name, "chiSquare", psi, statistic, p, missingBefore, missingNow, psi >= PsiLimit && p < PLimit);
        }

        return null;
    }

    // One more category for what was not kept by name.
    private static double[] Counts(IReadOnlyList<ValueCount> counts, List<string> values, ColumnSketch column)
    {
        var byValue = counts.ToDictionary(static pair => pair.Value, static pair => (double)pair.Count, StringComparer.Ordinal);
        var known = byValue.Values.Sum();
        return [.. values.Select(value => byValue.GetValueOrDefault(value)), Math.Max(0, column.Count - column.Missing - known)];
    }

    private static double Ratio(ColumnSketch column) => column.Count == 0 ? 0 : (double)column.Missing / column.Count;
}
