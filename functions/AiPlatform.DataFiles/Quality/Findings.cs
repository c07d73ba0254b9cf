using System.Globalization;
using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>What is worth knowing, worst first.</summary>
internal static class Findings
{
    /// <summary>The codes of findings; each has a text.</summary>
    public static readonly IReadOnlyList<string> Codes =
    [
        "unreadable", "nothingRead", "noRows", "issues", "missing", "allMissing", "constant", "mismatches", "outliers", "duplicates", "pii", "imbalance", "correlated", "corruptImages",
        "mistypedImages", "duplicateImages", "notLookedInto", "expectation", "drift", "schema", "language",
    ];

    private const int MaxFindings = 200;
    private const double ManyMissing = 0.2;
    private const double ManyOutliers = 0.05;
    private const double Imbalanced = 10;
    private const double Correlated = 0.95;

    public static IReadOnlyList<QualityFinding> Of(
        IReadOnlyList<TableProfile> tables, ImageSetProfile? images, IReadOnlyList<ClassBalance> classes, IReadOnlyList<ExpectationResult> expectations,
        IReadOnlyList<DriftReport>? drift, IReadOnlyList<DataIssue> unreadable, long files)
    {
        var found = new List<QualityFinding>();
        found.AddRange(unreadable.Select(static issue => new QualityFinding("unreadable", FindingSeverity.Error, issue.File, [issue.Code])));
        AddIf(found, tables.Count == 0 && images is not { Count: > 0 } && unreadable.Count == 0, "nothingRead", FindingSeverity.Error, null);

        // Files of other formats are no fault; but who reads nothing of them takes them for good.
        var other = files - tables.Sum(static table => (long)table.FileCount) - (images?.Count ?? 0) - unreadable.Count;
        AddIf(found, other > 0 && (tables.Count > 0 || images is { Count: > 0 } || unreadable.Count > 0), "notLookedInto", FindingSeverity.Info, null, Number(other));
        foreach (var table in tables)
        {
            AddIf(found, table.Rows == 0, "noRows", FindingSeverity.Error, table.Name);
            OfTable(table, tables.Count > 1, found);
        }

        if (images is not null)
        {
            AddIf(found, images.Corrupt > 0, "corruptImages", FindingSeverity.Error, null, Number(images.Corrupt));
            AddIf(found, images.Mistyped > 0, "mistypedImages", FindingSeverity.Error, null, Number(images.Mistyped));
            AddIf(found, images.Duplicates > 0, "duplicateImages", FindingSeverity.Warning, null, Number(images.Duplicates));
        }

        foreach (var balance in classes)
        {
            AddIf(found, balance.Imbalance >= Imbalanced, "imbalance", FindingSeverity.Warning, balance.Source, balance.Imbalance.ToString("0.#", CultureInfo.InvariantCulture));
        }

        found.AddRange(expectations.Where(static result => !result.Success).Select(static result => new QualityFinding(
            "expectation", result.Severity == ExpectationSeverity.Critical ? FindingSeverity.Error : FindingSeverity.Warning, result.Column, [result.Type])));
        foreach (var report in drift ?? [])
        {
            found.AddRange(report.Columns.Where(static column => column.HasDrifted).Select(static column => new QualityFinding(
                "drift", FindingSeverity.Warning, column.Column, [column.Psi.ToString("0.00", CultureInfo.InvariantCulture)])));
            AddIf(found, report.Schema.Count > 0, "schema", FindingSeverity.Warning, report.Table, Number(report.Schema.Count));
        }

        return [.. found.OrderByDescending(static finding => finding.Severity).Take(MaxFindings)];
    }

    private static void OfTable(TableProfile table, bool isOneOfMany, List<QualityFinding> found)
    {
        // A column is known by its name where there is one table only.
        string Named(string column) => isOneOfMany ? $"{table.Name}: {column}" : column;
        var broken = table.Issues.Select(static issue => issue.File).Distinct(StringComparer.Ordinal).ToList();
        AddIf(found, table.IssueCount > 0, "issues", FindingSeverity.Error, broken is [var only] ? only : table.Name, Number(table.IssueCount));
        AddIf(found, table.Duplicates > 0, "duplicates", FindingSeverity.Warning, table.Name, Number(table.Duplicates), Percent(table.Duplicates, table.Rows));
        foreach (var column in table.Columns)
        {
            var values = column.Count - column.Missing;
            AddIf(found, column.Count > 0 && values == 0, "allMissing", FindingSeverity.Error, Named(column.Name));
            AddIf(found, values > 0 && column.MissingRatio > ManyMissing, "missing", FindingSeverity.Warning, Named(column.Name), Percent(column.Missing, column.Count));
            AddIf(found, column.IsConstant, "constant", FindingSeverity.Warning, Named(column.Name));
            AddIf(found, column.Mismatches > 0, "mismatches", FindingSeverity.Error, Named(column.Name), Number(column.Mismatches), column.Type.ToString());
            AddIf(
                found, column.Numeric is { } numeric && numeric.Outliers.IqrCount > ManyOutliers * values, "outliers", FindingSeverity.Info, Named(column.Name),
                Number(column.Numeric?.Outliers.IqrCount ?? 0), Percent(column.Numeric?.Outliers.IqrCount ?? 0, values));
            foreach (var pii in column.Pii)
            {
                found.Add(new QualityFinding("pii", FindingSeverity.Warning, Named(column.Name), [pii.Kind.ToString(), Number(pii.Rows)]));
            }

            AddIf(
                found, column.Text is { Languages.Count: > 1 } text && text.Languages[1].Count > 0.1 * text.Examined, "language", FindingSeverity.Info, Named(column.Name),
                string.Join(", ", column.Text?.Languages.Take(3).Select(static language => language.Value) ?? []));
        }

        foreach (var pair in table.Correlations.Where(static pair => Math.Abs(pair.Value) >= Correlated).DistinctBy(static pair => (pair.Left, pair.Right)).Take(20))
        {
            found.Add(new QualityFinding("correlated", FindingSeverity.Info, Named(pair.Left), [pair.Right, pair.Value.ToString("0.00", CultureInfo.InvariantCulture)]));
        }
    }

    private static void AddIf(List<QualityFinding> found, bool condition, string code, FindingSeverity severity, string? subject, params string[] values)
    {
        if (condition)
        {
            found.Add(new QualityFinding(code, severity, subject, values));
        }
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(long part, long whole) => QualityMetrics.Share(part, whole).ToString("P1", CultureInfo.InvariantCulture);
}
