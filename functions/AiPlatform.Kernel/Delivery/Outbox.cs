using System.Diagnostics;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Kernel.Delivery;

/// <summary>Writes outbox rows and wakes their delivery.</summary>
public sealed class Outbox(IDelivery<OutboxChannel> delivery) : IOutbox
{
    /// <inheritdoc />
    public async Task EnqueueAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, OutboxMessage message, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO outbox (kind, instance_id, name, payload, traceparent)
            VALUES (@Kind, @InstanceId, @Name, @Payload, @traceparent)
            """,
            new { message.Kind, message.InstanceId, message.Name, message.Payload, traceparent = Activity.Current?.Id },
            transaction,
            cancellationToken: cancellationToken));
        Database.OnCommitted(delivery.Wake);
    }

    /// <inheritdoc />
    public void Wake() => delivery.Wake();
}
