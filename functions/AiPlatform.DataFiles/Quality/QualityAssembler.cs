using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>Makes a report of what its steps found.</summary>
public static class QualityAssembler
{
    private const int Format = 1;

    /// <summary>Makes the report.</summary>
    /// <param name="parts">What the steps found.</param>
    /// <param name="plan">What is expected.</param>
    /// <param name="baseline">The sketches of the version to compare with; null for none.</param>
    public static QualityDocument Assemble(QualitySubject subject, IReadOnlyList<QualityPart> parts, QualityPlan plan, IReadOnlyList<TableSketch>? baseline)
    {
        var tables = parts.SelectMany(static part => part.Tables).ToList();
        var images = parts.Where(static part => part.Images is not null).Select(static part => part.Images!).Aggregate((ImageBatch?)null, static (sum, batch) => sum?.With(batch) ?? batch)
            ?.Build(subject.DuplicateImages);
        var expectations = parts.SelectMany(static part => part.Expectations).ToList();
        if (tables.Count == 0)
        {
            // Nobody could judge them, so they are not met.
            expectations.AddRange(plan.Expectations.Select(static expectation => new ExpectationResult(
                expectation.Type, expectation.Column, string.Empty, expectation.Severity, expectation.Mostly, false, null, 0, 0, [], expectation.Problem ?? "there is no table")));
        }

        var unreadable = parts.SelectMany(static part => part.UnreadableFiles).ToList();
        var drift = baseline is null ? null : DriftDetector.Compare(baseline, [.. parts.SelectMany(static part => part.Sketches)]);
        var classes = Classes(tables, images, plan.Label);
        var metrics = QualityMetrics.Of(tables, images, classes, expectations, drift, unreadable.Count);
        var dimensions = QualityScore.Dimensions(tables, images, expectations, drift, subject.Files, unreadable.Count, metrics);
        metrics["score"] = QualityScore.Of(dimensions);
        var rules = plan.Rules.Select(rule => Judge(rule, metrics)).ToList();
        return new QualityDocument(
            Format, subject.Dataset, subject.Version, subject.At, metrics["score"],
            IsRead(tables, images, unreadable) && rules.TrueForAll(static rule => rule.Success) && expectations.TrueForAll(static result => result.Success),
            rules.Exists(static rule => rule is { Success: false, Block: true }) || expectations.Exists(static result => result is { Success: false, Severity: ExpectationSeverity.Critical }),
            dimensions, metrics, Findings.Of(tables, images, classes, expectations, drift, unreadable, subject.Files), rules, expectations, tables, images, classes,
            baseline is null ? null : subject.Baseline, drift ?? [], unreadable, subject.Files, subject.Bytes);
    }

    // What could not be read, or holds nothing, is not good, whatever is expected of it.
    private static bool IsRead(List<TableProfile> tables, ImageSetProfile? images, List<DataIssue> unreadable)
        => unreadable.Count == 0 && images is not { Corrupt: > 0 } && (tables.Count > 0 || images is { Count: > 0 }) && tables.TrueForAll(static table => table.Rows > 0);

    // A metric that the report does not have breaks no rule: a dataset without images has no corrupt ones, one without a baseline no drift.
    private static RuleResult Judge(QualityRule rule, Dictionary<string, double> metrics)
    {
        double? observed = metrics.TryGetValue(rule.Metric, out var value) ? value : null;
        return new RuleResult(rule.Metric, rule.Min, rule.Max, rule.Block, observed, !(observed < rule.Min) && !(observed > rule.Max));
    }

    private static List<ClassBalance> Classes(List<TableProfile> tables, ImageSetProfile? images, string? label)
    {
        var found = new List<ClassBalance>();
        foreach (var table in tables)
        {
            if (LabelColumn.Find(table, label) is { } column && Balance(column.Name, column.Top, column.TopError) is { } balance)
            {
                found.Add(balance);
            }
        }

        return images is not null && Balance("folders", images.Classes, 0) is { } folders ? [.. found, folders] : found;
    }

    private static ClassBalance? Balance(string source, IReadOnlyList<ValueCount> classes, long error)
    {
        if (classes.Count < 2 || error > 0)
        {
            return null;
        }

        double total = classes.Sum(static value => value.Count);
        var entropy = -classes.Sum(value => value.Count / total * Math.Log(value.Count / total));
        return new ClassBalance(source, classes, (double)classes.Max(static value => value.Count) / classes.Min(static value => value.Count), entropy / Math.Log(classes.Count));
    }
}
