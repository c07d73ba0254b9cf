using AiPlatform.Contracts.FeaturePlural;
using AiPlatform.Kernel.Access;

namespace AiPlatform.AreaName.FeaturePlural;

/// <summary>A row of <c>feature_plural</c>.</summary>
internal sealed class FeatureNameRow : IReachable
{
    /// <summary>Those of a row <c>t</c>.</summary>
    public const string Columns = "t.id, t.project_id, t.name, t.description, t.created_by, t.version, t.created_at, t.updated_at";

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public string? CreatedBy { get; init; }

    public long Version { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public FeatureName ToContract() => new(Id, ProjectId, Name, Description, CreatedBy, Version, CreatedAt, UpdatedAt);
}
