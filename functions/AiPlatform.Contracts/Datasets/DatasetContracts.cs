namespace AiPlatform.Contracts.Datasets;

/// <summary>A named line of immutable versions.</summary>
/// <param name="LatestVersion">The newest ready version; null when there is none.</param>
/// <param name="Tags">Null when there are none.</param>
public sealed record Dataset(
    string Id, string ProjectId, string Name, string? Description, int? LatestVersion, DateTimeOffset CreatedAt,
    IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Creates a dataset; the name is unique in its project (1–128 characters: letters, digits, <c>. _ -</c>).</summary>
/// <param name="Tags">At most 100; keys of at most 128 characters, values of at most 1,000.</param>
public sealed record CreateDatasetRequest(string Name, string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes what is given and leaves the rest; <paramref name="Tags"/> replaces all tags.</summary>
public sealed record UpdateDatasetRequest(string? Name = null, string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);
