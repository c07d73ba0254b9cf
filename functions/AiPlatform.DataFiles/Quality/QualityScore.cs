using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>
/// The score: the weighted mean of up to six dimensions, each from 0 to 100. A dimension that says nothing about a version (drift without
/// a baseline) is left out. Validity counts each broken value tenfold: one in ten makes it nothing.
/// </summary>
internal static class QualityScore
{
    private const double Harm = 10;

    public static IReadOnlyList<QualityDimension> Dimensions(
        IReadOnlyList<TableProfile> tables, ImageSetProfile? images, IReadOnlyList<ExpectationResult> expectations, IReadOnlyList<DriftReport>? drift,
        long files, int unreadable, IReadOnlyDictionary<string, double> metrics)
    {
        var dimensions = new List<QualityDimension>();
        var columns = tables.Sum(static table => table.Columns.Count);
        var empty = tables.Count(static table => table.Rows == 0);
        if (columns > 0)
        {
            // A table without rows holds nothing of what it should.
            dimensions.Add(new("completeness", 100 * (1 - metrics["missing.ratio"]) * (tables.Count - empty) / tables.Count, 3));
            dimensions.Add(new("information", 100 * (1 - (metrics["constant.columns"] / columns)), 1));
        }

        var things = metrics["rows"] + metrics["images.count"];
        if (things > 0)
        {
            dimensions.Add(new("uniqueness", 100 * (1 - ((metrics["duplicates.rows"] + metrics["images.duplicates"]) / things)), 2));
        }

        var broken = metrics["mismatches.ratio"] + QualityMetrics.Share(metrics["issues.count"], metrics["rows"])
            + QualityMetrics.Share(images is null ? 0 : images.Corrupt + images.Mistyped, images?.Count ?? 0) + QualityMetrics.Share(unreadable, files) + QualityMetrics.Share(empty, tables.Count);
        // Nothing that could be looked at is nothing that is known to be good.
        dimensions.Add(new("validity", tables.Count == 0 && images is not { Count: > 0 } ? 0 : 100 * Math.Max(0, 1 - (Harm * broken)), 3));
        if (expectations.Count > 0)
        {
            dimensions.Add(new("conformity", 100 * (1 - (metrics["expectations.failed"] / expectations.Count)), 3));
        }

        var compared = drift?.Sum(static report => report.Columns.Count) ?? 0;
        if (compared > 0)
        {
            dimensions.Add(new("stability", 100 * (1 - (metrics["drift.columns"] / compared)), 2));
        }

        return [.. dimensions.Select(static dimension => dimension with { Score = Math.Round(Math.Clamp(dimension.Score, 0, 100), 2) })];
    }

    public static double Of(IReadOnlyList<QualityDimension> dimensions)
        => Math.Round(dimensions.Sum(static dimension => dimension.Score * dimension.Weight) / dimensions.Sum(static dimension => dimension.Weight), 1);
}
