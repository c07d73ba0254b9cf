using System.Collections.Concurrent;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>A channel with a table of receivers and no order, as webhooks are one.</summary>
internal sealed class ParcelChannel(Func<Letter, CancellationToken, Task<DeliveryAnswer>> deliver) : IDeliveryChannel<Letter>
{
    public static string Name => "parcels";

    public static DeliveryTable Table { get; } = new("letters", "box", "d.text || t.id AS text")
    {
        IsOrdered = false,
        Order = "due_at",
        Targets = new DeliveryTargets("boxes", "t.open"),
    };

    public DeliveryPace Pace { get; init; } = new(Parallel: 2, Keys: 2, OfKey: 2, Timeout: TimeSpan.FromSeconds(5), Budget: TimeSpan.FromSeconds(5));

    /// <summary>What it was told, a group each.</summary>
    public ConcurrentQueue<DeliveryGroup<Letter>> Told { get; } = [];

    public Task<DeliveryAnswer> DeliverAsync(Letter row, CancellationToken cancellationToken) => deliver(row, cancellationToken);

    public TimeSpan? PauseAfter(Letter row, DeliveryAnswer answer) => TimeSpan.FromMilliseconds(20);

    public async Task SettleAsync(UnitOfWork work, DeliveryGroup<Letter> group)
    {
        await work.ExecuteAsync("UPDATE boxes SET told = told + 1 WHERE id = @Key", new { group.Key });
        Told.Enqueue(group);
    }
}
