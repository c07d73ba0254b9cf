using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>What one step of a report found: the tables, or some of the images.</summary>
public sealed record QualityPart(
    IReadOnlyList<TableProfile> Tables, IReadOnlyList<TableSketch> Sketches, IReadOnlyList<ExpectationResult> Expectations, IReadOnlyList<DataIssue> UnreadableFiles, ImageBatch? Images)
{
    /// <summary>Nothing.</summary>
    public static QualityPart Empty { get; } = new([], [], [], [], null);
}

/// <summary>The version that a report is about.</summary>
public sealed record QualitySubject(string Dataset, int Version, DateTimeOffset At, long Files, long Bytes, long DuplicateImages, int? Baseline);
