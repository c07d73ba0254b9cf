using AiPlatform.Ports.Operations;

namespace AiPlatform.Operations.Tasks;

/// <summary>A long operation, as the sources of the kinds give it.</summary>
internal sealed class TaskRow
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Kind { get; init; }

    public required string Name { get; init; }

    /// <summary>As the kind spells it.</summary>
    public required string Status { get; init; }

    public string? Reason { get; init; }

    public required string Link { get; init; }

    public double? Progress { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>As the kind is asked about it.</summary>
    public TaskReference ToReference() => new(Id, ProjectId, Status, Reason);
}
