namespace AiPlatform.Contracts.Experiments;

/// <summary>Asks for runs side by side.</summary>
/// <example>
/// {"runs": ["0198c7a4d2f17c5e8a3b6d9e0f124578", "0198c7a4d2f17c5e8a3b6d9e0f124579"], "onlyDifferent": true}
/// </example>
/// <param name="Runs">1–500 runs of the project; what is none of them is left out.</param>
/// <param name="OnlyDifferent">Leaves out what is the same in all of them.</param>
public sealed record CompareRunsRequest(IReadOnlyList<string> Runs, bool OnlyDifferent = false);

/// <summary>Runs side by side; the values of each row are in the order of <paramref name="Runs"/>.</summary>
/// <param name="Runs">In the order of the request.</param>
/// <param name="Params">One row per parameter.</param>
/// <param name="Tags">One row per tag.</param>
/// <param name="Metrics">One row per metric.</param>
/// <param name="Truncated">Whether there are more than 1,000 parameters, tags or metrics: the first of each, by name, are here.</param>
public sealed record RunComparison(
    IReadOnlyList<RunHeading> Runs, IReadOnlyList<ComparedText> Params, IReadOnlyList<ComparedText> Tags, IReadOnlyList<ComparedMetric> Metrics, bool Truncated);

/// <summary>The head of a column.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ExperimentId">The experiment's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="JobId">The job that drives it; null where none does.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record RunHeading(
    string Id, string ExperimentId, string Name, RunStatus Status, string? JobId, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt);

/// <summary>A parameter or a tag of several runs.</summary>
/// <param name="Key">The name of the parameter, or the key of the tag.</param>
/// <param name="Differs">Whether two runs have different values, or one has none.</param>
/// <param name="Values">The first 500 characters of each; null for a run without it.</param>
public sealed record ComparedText(string Key, bool Differs, IReadOnlyList<string?> Values);

/// <summary>A metric of several runs.</summary>
/// <param name="Key">The metric's key.</param>
/// <param name="Differs">Whether two runs have different last values, or one has none.</param>
/// <param name="Last">The last value of each; null for a run without it.</param>
/// <param name="Min">The smallest value of each.</param>
/// <param name="Max">The largest value of each.</param>
public sealed record ComparedMetric(string Key, bool Differs, IReadOnlyList<double?> Last, IReadOnlyList<double?> Min, IReadOnlyList<double?> Max);
