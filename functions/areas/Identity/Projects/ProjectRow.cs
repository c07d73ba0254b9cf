using AiPlatform.Contracts.Projects;

namespace AiPlatform.Identity.Projects;

/// <summary>A row of <c>projects</c>.</summary>
internal sealed record ProjectRow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required string OwnerId { get; init; }

    public long Version { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public Project ToProject() => new(Id, Name, Description, OwnerId, CreatedAt, UpdatedAt);
}
