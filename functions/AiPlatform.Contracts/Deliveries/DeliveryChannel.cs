namespace AiPlatform.Contracts.Deliveries;

/// <summary>A way out of the platform, such as <c>outbox</c> (orchestrations), <c>webhooks</c> or <c>lineage</c>, and what it has to do.</summary>
/// <param name="Name">As routes and metrics name it.</param>
/// <param name="Waiting">Deliveries that wait or are under way; counting ends at 10,000.</param>
/// <param name="Parked">Deliveries that were given up; counting ends at 10,000.</param>
/// <param name="OldestAt">When the oldest delivery that waits came about; null when none waits.</param>
public sealed record DeliveryChannel(string Name, int Waiting, int Parked, DateTimeOffset? OldestAt);
