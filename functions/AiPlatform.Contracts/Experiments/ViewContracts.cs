namespace AiPlatform.Contracts.Experiments;

/// <summary>A way to look at runs that somebody saved.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="ExperimentId">The experiment that it is about; null for the whole project.</param>
/// <param name="Name">Its name.</param>
/// <param name="Shared">Whether everybody who reaches the project sees it; else only its author does.</param>
/// <param name="Settings">What the view shows, and how.</param>
/// <param name="AuthorId">The id of the account that wrote it.</param>
/// <param name="Version">Counts the changes; the entity tag.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
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
/// <param name="Title">What stands above it; null for the metric's key.</param>
/// <param name="Axis">What the x axis shows.</param>
/// <param name="Smoothing">The amount, as <paramref name="SmoothingKind"/> reads it.</param>
/// <param name="SmoothingKind">How curves are smoothed.</param>
/// <param name="LogScale">Whether the y axis is logarithmic.</param>
public sealed record RunViewChart(
    IReadOnlyList<string> Keys, string? Title = null, MetricAxis? Axis = null, double? Smoothing = null, SmoothingKind? SmoothingKind = null, bool LogScale = false);

/// <summary>Saves a view; the name is unique among the author's views of the project.</summary>
/// <example>
/// {"name": "Best first", "settings": {"columns": ["params.lr", "metrics.accuracy"], "filter":
/// "metrics.accuracy &gt; 0.9", "orderBy": ["metrics.accuracy DESC"]}, "shared": true}
/// </example>
/// <param name="Name">Unique among the author's views; 1–128 characters.</param>
/// <param name="Settings">What the view shows, and how.</param>
/// <param name="Shared">Whether everybody who reaches the project sees it.</param>
/// <param name="Experiment">Id or name.</param>
public sealed record CreateRunViewRequest(string Name, RunViewSettings Settings, bool Shared = false, string? Experiment = null);

/// <summary>Changes a view; what is null stays.</summary>
/// <example>{"name": "Best first", "shared": false}</example>
/// <param name="Name">The new name; null leaves it.</param>
/// <param name="Settings">The new settings; null leaves them.</param>
/// <param name="Shared">Whether everybody who reaches the project sees it; null leaves it.</param>
public sealed record UpdateRunViewRequest(string? Name = null, RunViewSettings? Settings = null, bool? Shared = null);

/// <summary>Searches the live runs of a project.</summary>
/// <example>
/// {"experiments": ["baseline"], "filter": "metrics.accuracy &gt; 0.9 AND params.lr = '0.1'", "orderBy":
/// ["metrics.accuracy DESC"], "pageSize": 20}
/// </example>
/// <param name="Experiments">1–100 ids or names; null for all.</param>
/// <param name="Filter">In the grammar of MLflow's run search.</param>
/// <param name="OrderBy">At most 10, in the grammar of MLflow's run search; without one the youngest come first.</param>
/// <param name="PageSize">1 to 500; 50 when absent.</param>
/// <param name="PageToken">From the previous page.</param>
public sealed record SearchRunsRequest(
    IReadOnlyList<string>? Experiments = null, string? Filter = null, IReadOnlyList<string>? OrderBy = null, int? PageSize = null, string? PageToken = null);
