using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>The numbers of a report that rules can bound.</summary>
public static class QualityMetrics
{
    /// <summary>Every metric.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "score", "rows", "files.unreadable", "issues.count", "missing.ratio", "missing.maxColumnRatio", "duplicates.ratio", "duplicates.rows", "constant.columns",
        "mismatches.ratio", "outliers.maxColumnRatio", "pii.columns", "pii.rows", "classes.imbalance", "images.count", "images.corrupt", "images.mistyped", "images.duplicates",
        "expectations.failed", "drift.maxPsi", "drift.columns",
    ];

    internal static Dictionary<string, double> Of(
        IReadOnlyList<TableProfile> tables, ImageSetProfile? images, IReadOnlyList<ClassBalance> classes, IReadOnlyList<ExpectationResult> expectations,
        IReadOnlyList<DriftReport>? drift, int unreadable)
    {
        var columns = tables.SelectMany(static table => table.Columns).ToList();
        double cells = columns.Sum(static column => column.Count);
        double rows = tables.Sum(static table => table.Rows);
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["rows"] = rows,
            ["files.unreadable"] = unreadable,
            ["issues.count"] = tables.Sum(static table => table.IssueCount),
            ["missing.ratio"] = Share(columns.Sum(static column => column.Missing), cells),
            ["missing.maxColumnRatio"] = columns.Select(static column => column.MissingRatio).DefaultIfEmpty().Max(),
            ["duplicates.rows"] = tables.Sum(static table => table.Duplicates),
            ["duplicates.ratio"] = Share(tables.Sum(static table => table.Duplicates), rows),
            ["constant.columns"] = columns.Count(static column => column.IsConstant),
            ["mismatches.ratio"] = Share(columns.Sum(static column => column.Mismatches), cells),
            ["outliers.maxColumnRatio"] = columns.Select(static column => column.Numeric is { } numeric ? Share(numeric.Outliers.IqrCount, column.Count - column.Missing) : 0).DefaultIfEmpty().Max(),
            ["pii.columns"] = columns.Count(static column => column.Pii.Count > 0),
            ["pii.rows"] = columns.Sum(static column => column.Pii.Sum(static finding => finding.Rows)),
            ["classes.imbalance"] = classes.Select(static balance => balance.Imbalance).DefaultIfEmpty(1).Max(),
            ["images.count"] = images?.Count ?? 0,
            ["images.corrupt"] = images?.Corrupt ?? 0,
            ["images.mistyped"] = images?.Mistyped ?? 0,
            ["images.duplicates"] = images?.Duplicates ?? 0,
            ["expectations.failed"] = expectations.Count(static result => !result.Success),
        };
        if (drift is not null)
        {
            metrics["drift.maxPsi"] = drift.Select(static report => report.MaxPsi).DefaultIfEmpty().Max();
            metrics["drift.columns"] = drift.Sum(static report => report.Columns.Count(static column => column.HasDrifted));
        }

        return metrics;
    }

    internal static double Share(double part, double whole) => whole > 0 ? part / whole : 0;
}
