namespace AiPlatform.Contracts.Datasets;

/// <summary>A named line of immutable versions.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="LatestVersion">The newest ready version; null when there is none.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Tags">Null when there are none.</param>
public sealed record Dataset(
    string Id, string ProjectId, string Name, string? Description, int? LatestVersion, DateTimeOffset CreatedAt,
    IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Creates a dataset; the name is unique in its project (1–128 characters: letters, digits, <c>. _ -</c>).</summary>
/// <example>
/// {"name": "digits", "description": "Handwritten digits, 8 by 8 pixels.", "tags": {"licence": "CC-BY-4.0"}}
/// </example>
/// <param name="Name">1–128 letters and digits of any script and <c>. _ -</c>, beginning with a letter or digit; unique in the project, whatever its case.</param>
/// <param name="Description">At most 2,000 characters.</param>
/// <param name="Tags">At most 100; keys of at most 128 characters, values of at most 1,000.</param>
public sealed record CreateDatasetRequest(string Name, string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes what is given and leaves the rest; <paramref name="Tags"/> replaces all tags.</summary>
/// <example>{"tags": {"licence": "CC-BY-4.0", "owner": "ada"}}</example>
/// <param name="Name">The new name; null leaves it.</param>
/// <param name="Description">The new description; null leaves it.</param>
/// <param name="Tags">Replaces all tags; null leaves them.</param>
public sealed record UpdateDatasetRequest(string? Name = null, string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);
