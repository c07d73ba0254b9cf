namespace AiPlatform.Kernel.Delivery;

/// <summary>How much a channel has to do; counting ends at <see cref="DeliveryQueue.MostCounted"/>.</summary>
public sealed record DeliveryCounts
{
    /// <summary>Rows that wait, also those under way.</summary>
    public int Waiting { get; init; }

    /// <summary>Rows that were given up.</summary>
    public int Parked { get; init; }

    /// <summary>When the oldest row that waits came about.</summary>
    public DateTimeOffset? OldestAt { get; init; }
}
