using AiPlatform.ServiceBusEmulator.Queues;
using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>What a queue part has in the table when the broker starts.</summary>
internal sealed record StoredExtent(int QueueId, QueuePart Part, long Count, long LastId);

/// <summary>Reads the message table. Every read is bounded in rows and in bytes.</summary>
internal sealed class MessageStore : IAsyncDisposable
{
    private const string Columns = "id, enqueued_id, queue_id, part, state, enqueued_at, visible_at, expires_at, delivery_count, annotations, payload";
    private const long MaxBytes = 4 * 1024 * 1024;

    private readonly NpgsqlDataSource _source;

    public MessageStore(IConfiguration configuration)
    {
        _source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(configuration.GetConnectionString("Postgres"))
        {
            MaxPoolSize = 4,
            MaxAutoPrepare = 16,
            CommandTimeout = 30,
            Timeout = 5,
            ApplicationName = "servicebus-reader",
        }.ConnectionString);
    }

    /// <summary>The ids of queues, created where they are missing.</summary>
    internal async Task<Dictionary<string, int>> EnsureQueuesAsync(IEnumerable<string> names, CancellationToken cancellationToken)
    {
        var list = names.ToArray();
        await using var insert = _source.CreateCommand("INSERT INTO queue (name) SELECT unnest($1) ON CONFLICT (name) DO NOTHING");
        insert.Parameters.Add(new NpgsqlParameter { Value = list });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        await using var select = _source.CreateCommand("SELECT name, id FROM queue WHERE name = ANY($1)");
        select.Parameters.Add(new NpgsqlParameter { Value = list });
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        var result = new Dictionary<string, int>();
        while (await reader.ReadAsync(cancellationToken))
        {
            result[reader.GetString(0)] = reader.GetInt32(1);
        }

        return result;
    }

    /// <summary>How much each queue part holds that can be delivered.</summary>
    internal async Task<List<StoredExtent>> ReadExtentsAsync(CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT queue_id, part, count(*), max(id) FROM message WHERE state = 0 GROUP BY queue_id, part");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var result = new List<StoredExtent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            result.Add(new StoredExtent(reader.GetInt32(0), (QueuePart)reader.GetInt16(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        return result;
    }

    /// <summary>The next messages of a queue part in order, those that can be delivered.</summary>
    internal Task<List<QueuedMessage>> ReadPageAsync(int queueId, QueuePart part, long afterId, int maxCount, CancellationToken cancellationToken)
        => ReadAsync("queue_id = $1 AND part = $2 AND id > $3 AND state = 0", "id", maxCount, cancellationToken, queueId, (short)part, afterId);

    /// <summary>Messages of a queue part in order, whatever their state.</summary>
    internal Task<List<QueuedMessage>> PeekAsync(int queueId, QueuePart part, long fromId, int maxCount, CancellationToken cancellationToken)
        => ReadAsync("queue_id = $1 AND part = $2 AND id >= $3", "id", maxCount, cancellationToken, queueId, (short)part, fromId);

    /// <summary>Messages of a queue part by their sequence numbers.</summary>
    internal Task<List<QueuedMessage>> ReadByIdAsync(int queueId, QueuePart part, long[] ids, CancellationToken cancellationToken)
        => ReadAsync("queue_id = $1 AND part = $2 AND id = ANY($3)", "id", ids.Length, cancellationToken, queueId, (short)part, ids);

    /// <summary>Scheduled messages whose time has come.</summary>
    internal Task<List<QueuedMessage>> ReadDueAsync(int[] queueIds, DateTime now, int maxCount, CancellationToken cancellationToken)
        => ReadAsync("state = 2 AND visible_at <= $1 AND queue_id = ANY($2)", "visible_at, id", maxCount, cancellationToken, now, queueIds);

    /// <summary>When the next scheduled message is due; null when none is scheduled.</summary>
    internal async Task<DateTime?> ReadNextDueAsync(int[] queueIds, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT visible_at FROM message WHERE state = 2 AND queue_id = ANY($1) ORDER BY visible_at LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter { Value = queueIds });
        return await command.ExecuteScalarAsync(cancellationToken) as DateTime?;
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<List<QueuedMessage>> ReadAsync(string where, string order, int maxCount, CancellationToken cancellationToken, params object[] values)
    {
        // The running total bounds the bytes whatever the size of the messages; the first message always comes.
        await using var command = _source.CreateCommand($"""
            SELECT {Columns} FROM (
                SELECT {Columns}, sum(octet_length(payload)) OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING) - octet_length(payload) AS before
                FROM (SELECT {Columns} FROM message WHERE {where} ORDER BY {order} LIMIT {maxCount}) AS candidate
            ) AS summed
            WHERE before < {MaxBytes} ORDER BY {order}
            """);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        var result = new List<QueuedMessage>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            result.Add(new QueuedMessage
            {
                Id = reader.GetInt64(0),
                EnqueuedId = reader.GetInt64(1),
                QueueId = reader.GetInt32(2),
                Part = (QueuePart)reader.GetInt16(3),
                State = (MessageState)reader.GetInt16(4),
                EnqueuedAt = reader.GetDateTime(5),
                VisibleAt = reader.IsDBNull(6) ? null : reader.GetDateTime(6),
                ExpiresAt = reader.IsDBNull(7) ? null : reader.GetDateTime(7),
                DeliveryCount = reader.GetInt32(8),
                Annotations = reader.IsDBNull(9) ? null : reader.GetFieldValue<byte[]>(9),
                Payload = reader.GetFieldValue<byte[]>(10),
            });
        }

        return result;
    }
}
