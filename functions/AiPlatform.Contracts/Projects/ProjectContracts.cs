namespace AiPlatform.Contracts.Projects;

/// <summary>The unit of ownership: everything else belongs to a project.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="OwnerId">The id of the account that owns it.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
public sealed record Project(
    string Id, string Name, string? Description, string OwnerId, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>Creates a project.</summary>
/// <example>{"name": "vision", "description": "Models that read images."}</example>
/// <param name="Name">1–63 characters: lower-case letters, digits and <c>-</c>, beginning with a letter or digit; unique.</param>
/// <param name="Description">At most 2,000 characters.</param>
public sealed record CreateProjectRequest(string Name, string? Description = null);

/// <summary>Changes a project; absent fields stay.</summary>
/// <example>{"description": "Models that read images and documents."}</example>
/// <param name="Name">The new name; null leaves it.</param>
/// <param name="Description">The new description; null leaves it.</param>
public sealed record UpdateProjectRequest(string? Name = null, string? Description = null);
