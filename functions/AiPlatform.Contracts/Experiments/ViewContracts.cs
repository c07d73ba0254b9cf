namespace AiPlatform.Contracts.Experiments;

/// <summary>A way to look at runs that somebody saved.</summary>
/// <param name="ExperimentId">The experiment that it is about; null for the whole project.</param>
/// <param name="Version">Counts the changes; the entity tag.</param>
/// <param name="Shared">Whether everybody who reaches the project sees it; else only its author does.</param>
public sealed record RunView(
    string Id, string ProjectId, string? ExperimentId, string Name, bool Shared, RunViewSettings Settings, string? AuthorId, long Version,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>What a view shows.</summary>
/// <param name="Columns">At most 200, such as <c>params.lr</c>, <c>metrics.loss</c>, <c>attributes.status</c>; none for the default.</param>
/// <param name="Filter">In the grammar of MLflow's run search.</param>
/// <param name="OrderBy">At most 10, in the grammar of MLflow's run search.</param>
/// <param name="Charts">At most 50.</param>
public sealed record RunViewSettings(
    IReadOnlyList<string>? Columns = null, string? Filter = null, IReadOnlyList<string>? OrderBy = null, IReadOnlyList<RunViewChart>? Charts = null);

/// <summary>A chart of a view.</summary>
/// <param name="Keys">1–20 metrics.</param>
/// <param name="Smoothing">The amount, as <paramref name="SmoothingKind"/> reads it.</param>
/// <param name="LogScale">Whether the y axis is logarithmic.</param>
public sealed record RunViewChart(
    IReadOnlyList<string> Keys, string? Title = null, MetricAxis? Axis = null, double? Smoothing = null, SmoothingKind? SmoothingKind = null, bool LogScale = false);

/// <summary>Saves a view; the name is unique among the author's views of the project.</summary>
/// <param name="Experiment">Id or name.</param>
public sealed record CreateRunViewRequest(string Name, RunViewSettings Settings, bool Shared = false, string? Experiment = null);

/// <summary>Changes a view; what is null stays.</summary>
public sealed record UpdateRunViewRequest(string? Name = null, RunViewSettings? Settings = null, bool? Shared = null);

/// <summary>Searches the live runs of a project.</summary>
/// <param name="Experiments">1–100 ids or names; null for all.</param>
/// <param name="Filter">In the grammar of MLflow's run search.</param>
/// <param name="OrderBy">At most 10, in the grammar of MLflow's run search; without one the youngest come first.</param>
/// <param name="PageSize">1 to 500; 50 when absent.</param>
/// <param name="PageToken">From the previous page.</param>
public sealed record SearchRunsRequest(
    IReadOnlyList<string>? Experiments = null, string? Filter = null, IReadOnlyList<string>? OrderBy = null, int? PageSize = null, string? PageToken = null);
