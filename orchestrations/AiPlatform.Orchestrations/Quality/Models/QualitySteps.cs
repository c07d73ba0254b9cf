namespace AiPlatform.Orchestrations.Quality.Models;

/// <summary>What the files of a version call for.</summary>
/// <param name="HasTables">Whether there is a table among them.</param>
/// <param name="ImageBatches">Steps that look at images.</param>
public sealed record QualityOutline(bool HasTables, int ImageBatches)
{
    /// <summary>Steps in all.</summary>
    public int Parts => (HasTables ? 1 : 0) + ImageBatches;
}

/// <summary>One step.</summary>
/// <param name="Part">Its number, from 0.</param>
/// <param name="Parts">Steps in all.</param>
/// <param name="ImageBatch">The batch of images; null for the tables.</param>
public sealed record QualityStep(string ReportId, int Part, int Parts, int? ImageBatch);

/// <summary>The last step.</summary>
public sealed record AssembleStep(string ReportId, int Parts);

/// <summary>A report that came to nothing.</summary>
public sealed record FailStep(string ReportId, string Reason);
