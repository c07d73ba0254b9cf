using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Delivery;

/// <summary>
/// A way out of the platform: to orchestrations, webhooks, mailboxes. It says where its rows lie and makes one attempt; leases, order, repeats,
/// parking, replay and metrics are the engine's. Register it with <see cref="DeliveryServices.AddDelivery{TChannel, TRow}"/>.
/// </summary>
public interface IDeliveryChannel<TRow>
    where TRow : DeliveryRow
{
    /// <summary>As metrics, health and operators name it.</summary>
    static abstract string Name { get; }

    /// <summary>Where its rows lie.</summary>
    static abstract DeliveryTable Table { get; }

    /// <summary>How much it does at once.</summary>
    DeliveryPace Pace { get; }

    /// <summary>Makes one attempt. What a receiver did wrong is in the answer; what is thrown is a fault of ours, which is repeated and never told to others. The token ends it when its time is over.</summary>
    Task<DeliveryAnswer> DeliverAsync(TRow row, CancellationToken cancellationToken);

    /// <summary>How long a row waits after a failure, an earlier one of an ordered key with all that follow; null when it is given up.</summary>
    TimeSpan? PauseAfter(TRow row, DeliveryAnswer answer);

    /// <summary>Told what came of a key's rows, in the transaction that settles them; only where the channel has targets.</summary>
    Task SettleAsync(UnitOfWork work, DeliveryGroup<TRow> group) => Task.CompletedTask;
}
