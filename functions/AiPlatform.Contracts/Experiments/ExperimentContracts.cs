namespace AiPlatform.Contracts.Experiments;

/// <summary>A group of comparable runs.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="CreatedAt">When it was created.</param>
public sealed record Experiment(string Id, string ProjectId, string Name, string? Description, DateTimeOffset CreatedAt);

/// <summary>Creates an experiment; the name is unique in its project.</summary>
/// <example>{"name": "baseline", "description": "What a small network reaches."}</example>
/// <param name="Name">1–128 letters and digits of any script and <c>. _ -</c>, beginning with a letter or digit; unique in the project, whatever its case.</param>
/// <param name="Description">At most 2,000 characters.</param>
public sealed record CreateExperimentRequest(string Name, string? Description = null);

/// <summary>The state of a run; names as in MLflow.</summary>
public enum RunStatus
{
    /// <summary>Its job waits.</summary>
    Scheduled,

    /// <summary>It logs.</summary>
    Running,

    /// <summary>It ended well.</summary>
    Finished,

    /// <summary>It ended with an error.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Killed,
}

/// <summary>One execution: what went in, what was measured, what came out. Attempts of a job are segments of one run.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ExperimentId">The experiment's id.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="JobId">The job that drives it; null where none does.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
/// <param name="Params">Parameters by name.</param>
/// <param name="Tags">Tags by key.</param>
/// <param name="Metrics">The last, smallest and largest value of each metric.</param>
public sealed record Run(
    string Id, string ExperimentId, string ProjectId, string Name, RunStatus Status, string? JobId,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt,
    IReadOnlyDictionary<string, string> Params, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<MetricSummary> Metrics)
{
    /// <summary>The segments of the run; set when one run is asked for that has more than one attempt.</summary>
    public IReadOnlyList<RunAttempt>? Attempts { get; init; }
}

/// <summary>Creates a run that is not driven by a job.</summary>
/// <example>{"name": "lr-0.1", "params": {"lr": "0.1"}, "tags": {"author": "ada"}}</example>
/// <param name="Name">Shown to people; made up when absent.</param>
/// <param name="Params">Parameters by name; they never change.</param>
/// <param name="Tags">Tags by key.</param>
public sealed record CreateRunRequest(
    string? Name = null, IReadOnlyDictionary<string, string>? Params = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes a run's name or ends it.</summary>
/// <example>{"status": "finished"}</example>
/// <param name="Name">The new name; null leaves it.</param>
/// <param name="Status">A status to end the run with; null leaves it.</param>
public sealed record UpdateRunRequest(string? Name = null, RunStatus? Status = null);

/// <summary>The latest value and the extremes of one metric in the default view.</summary>
/// <param name="Key">The metric's key.</param>
/// <param name="Last">The value of the last point.</param>
/// <param name="LastStep">The step of the last point.</param>
/// <param name="LastTimestamp">When the last point was measured.</param>
/// <param name="Min">The smallest value; null when all are NaN.</param>
/// <param name="Max">The largest value; null when all are NaN.</param>
/// <param name="Count">Points in the default view.</param>
public sealed record MetricSummary(string Key, double Last, long LastStep, DateTimeOffset LastTimestamp, double? Min, double? Max, long Count);

/// <summary>One measured value.</summary>
/// <param name="Key">1–250 characters.</param>
/// <param name="Step">The training step, epoch, …: what the x axis shows.</param>
/// <param name="Value">May be NaN or infinite (JSON strings).</param>
/// <param name="Timestamp">When it was measured.</param>
public sealed record MetricPoint(string Key, long Step, double Value, DateTimeOffset Timestamp)
{
    /// <summary>The attempt that measured it; set in answers.</summary>
    public int? Attempt { get; init; }
}

/// <summary>
/// A batch of points, exactly once by (run, attempt, source, sequence): the n-th point has sequence
/// <paramref name="FirstSequence"/> + n. A repeated batch changes nothing.
/// </summary>
/// <example>
/// {"attempt": 1, "source": "0-0", "firstSequence": 0, "points": [{"key": "loss", "step": 1, "value": 0.7,
/// "timestamp": "2026-03-01T12:00:00Z"}, {"key": "loss", "step": 2, "value": 0.5, "timestamp":
/// "2026-03-01T12:00:01Z"}]}
/// </example>
/// <param name="Attempt">The job's attempt, from 1; 1 where there is no job.</param>
/// <param name="Source">Who numbers the points: <c>{node}-{rank}</c> for jobs; 1–64 characters.</param>
/// <param name="FirstSequence">From 0.</param>
/// <param name="Points">1 to 1,000.</param>
public sealed record LogMetricsRequest(int Attempt, string Source, long FirstSequence, IReadOnlyList<MetricPoint> Points);

/// <summary>What a batch changed.</summary>
/// <param name="Stored">Points that were new.</param>
/// <param name="NextSequence">The first sequence that the source has not sent without a gap.</param>
public sealed record LogMetricsResponse(int Stored, long NextSequence);

/// <summary>What one source has sent.</summary>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Source">Who numbers the points.</param>
/// <param name="Count">Points that are stored.</param>
/// <param name="NextSequence">The first sequence that the source has not sent without a gap.</param>
/// <param name="Gaps">The first gaps as [first, last] sequence, at most 100.</param>
public sealed record SourceCompleteness(int Attempt, string Source, long Count, long NextSequence, IReadOnlyList<long[]> Gaps);

/// <summary>Whether every point that a source numbered has been stored.</summary>
/// <param name="Complete">Whether every numbered point has been stored.</param>
/// <param name="Sources">What each source has sent.</param>
public sealed record MetricsCompleteness(bool Complete, IReadOnlyList<SourceCompleteness> Sources);

/// <summary>What lies between two steps of a series: nothing is lost that a curve of this width could show.</summary>
/// <param name="FirstStep">The step of the first point.</param>
/// <param name="LastStep">The step of the last point.</param>
/// <param name="Min">The smallest value; null when all are NaN.</param>
/// <param name="Max">The largest value; null when all are NaN.</param>
/// <param name="Last">The value of the last point.</param>
/// <param name="Count">Points.</param>
/// <param name="Smoothed">The moving average at the last point; null when none was asked for.</param>
public sealed record MetricBucket(long FirstStep, long LastStep, double? Min, double? Max, double Last, int Count, double? Smoothed)
{
    /// <summary>Where the first point lies on the axis, in seconds; null when the axis is the step.</summary>
    public double? FirstX { get; init; }

    /// <summary>Where the last point lies on the axis, in seconds; null when the axis is the step.</summary>
    public double? LastX { get; init; }

    /// <summary>The number of the bucket on the common grid; null when the series are not aligned.</summary>
    public long? Index { get; init; }
}

/// <summary>One metric of one run, down-sampled.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Key">The metric's key.</param>
/// <param name="Buckets">The buckets, in the order of the axis.</param>
public sealed record MetricSeries(string RunId, string Key, IReadOnlyList<MetricBucket> Buckets);

/// <summary>Asks for metrics of several runs side by side.</summary>
/// <example>
/// {"runs": ["0198c7a4d2f17c5e8a3b6d9e0f124578", "0198c7a4d2f17c5e8a3b6d9e0f124579"], "keys": ["loss"], "buckets":
/// 500, "smoothing": 0.6}
/// </example>
/// <param name="Runs">1–500 runs of the project; what is none of them is left out.</param>
/// <param name="Keys">1–20 metrics.</param>
/// <param name="Buckets">1–10,000 for each series; 1,000 when absent. At most 2,000,000 for all of them.</param>
/// <param name="Smoothing">The amount, as <paramref name="SmoothingKind"/> reads it.</param>
/// <param name="SmoothingKind">Exponential when absent.</param>
/// <param name="Axis">The step when absent.</param>
/// <param name="From">Leaves out points before this place on the axis (a step, or seconds).</param>
/// <param name="To">Leaves out points after this place on the axis.</param>
/// <param name="Align">Whether all series use the buckets of one grid, so that equal numbers are equal places.</param>
public sealed record CompareMetricsRequest(
    IReadOnlyList<string> Runs, IReadOnlyList<string> Keys, int? Buckets = null, double? Smoothing = null, SmoothingKind? SmoothingKind = null,
    MetricAxis? Axis = null, double? From = null, double? To = null, bool Align = false);

/// <summary>Metrics of several runs, by run and metric.</summary>
/// <param name="Series">A series for each run and metric that has points.</param>
public sealed record MetricComparison(IReadOnlyList<MetricSeries> Series)
{
    /// <summary>
    /// The width of the buckets when the series are aligned, in steps or seconds: bucket n is from n times the width to
    /// before n + 1 times the width.
    /// </summary>
    public double? BucketWidth { get; init; }
}

/// <summary>Sets parameters; a parameter is immutable, the same value again is harmless.</summary>
/// <example>{"params": {"lr": "0.1", "optimizer": "adam"}}</example>
/// <param name="Params">Parameters by name.</param>
public sealed record LogParamsRequest(IReadOnlyDictionary<string, string> Params);

/// <summary>Sets tags; the last write wins.</summary>
/// <example>{"tags": {"author": "ada"}}</example>
/// <param name="Tags">Tags by key; those not named stay.</param>
public sealed record SetTagsRequest(IReadOnlyDictionary<string, string> Tags);

/// <summary>
/// The attempt went on from a checkpoint of this step: points of earlier attempts with a larger step are superseded.
/// </summary>
/// <example>{"step": 100}</example>
/// <param name="Step">The last step that the checkpoint contains; -1 for a start from scratch.</param>
public sealed record ResumeRequest(long Step);

/// <summary>What an artifact is.</summary>
public enum ArtifactKind
{
    /// <summary>Any file.</summary>
    File,

    /// <summary>A state to resume training from.</summary>
    Checkpoint,

    /// <summary>A model that can be registered.</summary>
    Model,
}

/// <summary>A file that a run put out.</summary>
/// <param name="Path">The path in the run, with <c>/</c>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the content, 64 lower-case hex digits.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Step">For checkpoints: the last step that it contains.</param>
/// <param name="Metrics">For models and checkpoints: their quality.</param>
/// <param name="Attempt">The job's attempt that made it; null where there is no job.</param>
/// <param name="CreatedAt">When it was created.</param>
public sealed record Artifact(
    string Path, long Size, string Sha256, ArtifactKind Kind, long? Step, IReadOnlyDictionary<string, double>? Metrics,
    int? Attempt, DateTimeOffset CreatedAt)
{
    /// <summary>A short-lived URL to read it; set when one artifact is asked for.</summary>
    public string? DownloadUrl { get; init; }
}

/// <summary>Asks where to put an artifact's bytes.</summary>
/// <example>
/// {"path": "checkpoints/step-100.pt", "size": 1048576, "sha256":
/// "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"}
/// </example>
/// <param name="Path">The path in the run, with <c>/</c>; an artifact that is there is replaced.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the content, 64 lower-case hex digits.</param>
public sealed record ArtifactUploadRequest(string Path, long Size, string Sha256);

/// <summary>Where to put an artifact's bytes: one <c>PUT</c> with the headers.</summary>
/// <param name="Url">A short-lived URL to <c>PUT</c> the bytes to.</param>
/// <param name="Headers">Headers that the <c>PUT</c> must carry.</param>
public sealed record ArtifactUpload(string Url, IReadOnlyDictionary<string, string> Headers);

/// <summary>Records an uploaded artifact; the same again is harmless, other content under a used path replaces it.</summary>
/// <example>
/// {"path": "checkpoints/step-100.pt", "size": 1048576, "sha256":
/// "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9", "kind": "checkpoint", "step": 100,
/// "metrics": {"loss": 0.12}}
/// </example>
/// <param name="Path">The path that the upload was asked for.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the content, 64 lower-case hex digits.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Step">For checkpoints: the last step that it contains.</param>
/// <param name="Metrics">For models and checkpoints: their quality.</param>
/// <param name="Attempt">The job's attempt that made it; null where there is no job.</param>
public sealed record CommitArtifactRequest(
    string Path, long Size, string Sha256, ArtifactKind Kind = ArtifactKind.File, long? Step = null,
    IReadOnlyDictionary<string, double>? Metrics = null, int? Attempt = null);
