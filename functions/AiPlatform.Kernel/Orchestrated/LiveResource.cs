namespace AiPlatform.Kernel.Orchestrated;

/// <summary>A resource that has not ended.</summary>
public sealed record LiveResource
{
    /// <summary>Its id, and its orchestration's.</summary>
    public required string Id { get; init; }

    /// <summary>Since when it is being cancelled; null when it is not.</summary>
    public DateTimeOffset? CancellingSince { get; init; }
}
