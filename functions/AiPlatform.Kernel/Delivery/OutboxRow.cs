namespace AiPlatform.Kernel.Delivery;

/// <summary>A row of <c>outbox</c>; its key is the orchestration instance.</summary>
public sealed record OutboxRow : DeliveryRow
{
    /// <summary>One of the kinds of <see cref="OutboxMessage"/>.</summary>
    public required string Kind { get; init; }

    public string? Name { get; init; }

    public string? Payload { get; init; }

    public string? Traceparent { get; init; }
}
