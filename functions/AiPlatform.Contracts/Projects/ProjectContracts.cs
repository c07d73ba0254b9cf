namespace AiPlatform.Contracts.Projects;

/// <summary>The unit of ownership: everything else belongs to a project.</summary>
public sealed record Project(
    string Id, string Name, string? Description, string OwnerId, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>Creates a project.</summary>
/// <param name="Name">1–63 characters: lower-case letters, digits and <c>-</c>, beginning with a letter or digit; unique.</param>
/// <param name="Description">At most 2,000 characters.</param>
public sealed record CreateProjectRequest(string Name, string? Description = null);

/// <summary>Changes a project; absent fields stay.</summary>
public sealed record UpdateProjectRequest(string? Name = null, string? Description = null);
