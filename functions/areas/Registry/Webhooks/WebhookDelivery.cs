using AiPlatform.Kernel.Delivery;

namespace AiPlatform.Registry.Webhooks;

/// <summary>A row of <c>webhook_deliveries</c> with where it goes; its key is the webhook.</summary>
internal sealed record WebhookDelivery : DeliveryRow
{
    public required string Body { get; init; }

    public required string Url { get; init; }

    /// <summary>Encrypted; null when deliveries are not signed.</summary>
    public byte[]? Secret { get; init; }
}
