namespace AiPlatform.Contracts.FeaturePlural;

/// <summary>One of the feature plural of a project.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Unique in the project.</param>
/// <param name="Description">Free text; null when there is none.</param>
/// <param name="CreatedBy">The id of the account that created it; null for a service.</param>
/// <param name="Version">Counts the changes; the entity tag.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
public sealed record FeatureName(
    string Id, string ProjectId, string Name, string? Description, string? CreatedBy, long Version, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>Creates one of the feature plural of a project.</summary>
/// <example>{"name": "first", "description": "To begin with."}</example>
/// <param name="Name">Unique in the project; 1–128 letters and digits of any script, <c>. _ -</c>.</param>
/// <param name="Description">At most 2,000 characters.</param>
public sealed record CreateFeatureNameRequest(string Name, string? Description = null);

/// <summary>Changes one of the feature plural; what is null stays.</summary>
/// <example>{"description": "Better known by now."}</example>
/// <param name="Name">The new name; null leaves it.</param>
/// <param name="Description">The new description; null leaves it, an empty one takes it away.</param>
public sealed record UpdateFeatureNameRequest(string? Name = null, string? Description = null);
