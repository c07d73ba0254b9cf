namespace AiPlatform.Kernel.Delivery;

/// <summary>A row that was given up.</summary>
public sealed record ParkedRow
{
    public required string Id { get; init; }

    /// <summary>Whom it is for.</summary>
    public required string Key { get; init; }

    /// <summary>What it is about.</summary>
    public required string Kind { get; init; }

    public int Attempts { get; init; }

    public string? LastError { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}
