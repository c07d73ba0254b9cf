using AiPlatform.Kernel.Delivery;

namespace AiPlatform.Operations.Lineage;

/// <summary>A row of <c>lineage_outbox</c> with where it goes; its key is the receiver.</summary>
internal sealed record LineageDelivery : DeliveryRow
{
    public required string RunId { get; init; }

    public required string EventType { get; init; }

    public DateTimeOffset EventAt { get; init; }

    public required string Url { get; init; }

    public byte[]? AuthorizationSecret { get; init; }

    public required byte[] SigningSecret { get; init; }
}
