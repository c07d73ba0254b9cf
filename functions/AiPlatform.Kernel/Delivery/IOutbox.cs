using AiPlatform.Kernel.Postgres;
using Npgsql;

namespace AiPlatform.Kernel.Delivery;

/// <summary>Effects on orchestrations that happen if, and only if, a transaction commits. Delivery is at least once.</summary>
public interface IOutbox
{
    /// <summary>
    /// Writes the message in the transaction. Inside <see cref="Database.InTransactionAsync{T}"/> the delivery starts right
    /// after the commit; elsewhere call <see cref="Wake"/>.
    /// </summary>
    Task EnqueueAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, OutboxMessage message, CancellationToken cancellationToken);

    /// <summary>Delivers what waits, now.</summary>
    void Wake();
}
