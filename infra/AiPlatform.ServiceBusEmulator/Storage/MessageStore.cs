using AiPlatform.ServiceBusEmulator.Administration;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Queues;
using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>What a queue part has in the table when the broker starts.</summary>
internal sealed record StoredExtent(int QueueId, QueuePart Part, long Count, long LastId);

/// <summary>Reads the message table. Every read is bounded in rows and in bytes.</summary>
internal sealed class MessageStore : IAsyncDisposable
{
    private const string Columns = "id, enqueued_id, queue_id, part, state, enqueued_at, visible_at, expires_at, delivery_count, annotations, payload, session_id, priority";
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

    internal Task<List<EntityDefinition>> ReadEntitiesAsync(CancellationToken cancellationToken) => EntityStore.ReadAllAsync(_source, cancellationToken);

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

    /// <summary>How many bytes the messages of each entity take, whatever their part and state.</summary>
    internal async Task<List<(int QueueId, long Bytes)>> ReadSizesAsync(CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(
            "SELECT queue_id, sum(octet_length(payload) + coalesce(octet_length(annotations), 0))::bigint FROM message GROUP BY queue_id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var result = new List<(int, long)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            result.Add((reader.GetInt32(0), reader.GetInt64(1)));
        }

        return result;
    }

    /// <summary>The next messages of a queue part, or of one session in it, in order: those that can be delivered.</summary>
    internal Task<List<QueuedMessage>> ReadPageAsync(int queueId, QueuePart part, string? sessionId, long afterId, int maxCount, CancellationToken cancellationToken)
        => sessionId is null
            ? ReadAsync("queue_id = $1 AND part = $2 AND id > $3 AND state = 0", "id", maxCount, cancellationToken, queueId, (short)part, afterId)
            : ReadAsync("queue_id = $1 AND part = $2 AND id > $3 AND state = 0 AND session_id = $4", "id", maxCount, cancellationToken, queueId, (short)part, afterId, sessionId);

    /// <summary>As <see cref="ReadPageAsync"/>, of the messages that came before a moment.</summary>
    internal Task<List<QueuedMessage>> ReadDeliverableAsync(
        int queueId, QueuePart part, string? sessionId, long afterId, DateTime before, int maxCount, CancellationToken cancellationToken)
        => sessionId is null
            ? ReadAsync("queue_id = $1 AND part = $2 AND id > $3 AND state = 0 AND enqueued_at < $4", "id", maxCount, cancellationToken, queueId, (short)part, afterId, before)
            : ReadAsync(
                "queue_id = $1 AND part = $2 AND id > $3 AND state = 0 AND enqueued_at < $4 AND session_id = $5",
                "id", maxCount, cancellationToken, queueId, (short)part, afterId, before, sessionId);

    /// <summary>Messages of a queue part, or of one session in it, in order, whatever their state.</summary>
    internal Task<List<QueuedMessage>> PeekAsync(int queueId, QueuePart part, string? sessionId, long fromId, int maxCount, CancellationToken cancellationToken)
        => sessionId is null
            ? ReadAsync("queue_id = $1 AND part = $2 AND id >= $3", "id", maxCount, cancellationToken, queueId, (short)part, fromId)
            : ReadAsync("queue_id = $1 AND part = $2 AND id >= $3 AND session_id = $4", "id", maxCount, cancellationToken, queueId, (short)part, fromId, sessionId);

    /// <summary>Sessions of a queue that have messages to deliver, the one that waits longest first.</summary>
    internal async Task<List<string>> ReadSessionsAsync(int queueId, string[] except, int maxCount, int skip, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("""
            SELECT session_id FROM message WHERE queue_id = $1 AND session_id IS NOT NULL AND part = 0 AND state = 0 AND session_id <> ALL($2)
            GROUP BY session_id ORDER BY min(id) LIMIT $3 OFFSET $4
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = queueId });
        command.Parameters.Add(new NpgsqlParameter { Value = except });
        command.Parameters.Add(new NpgsqlParameter { Value = maxCount });
        command.Parameters.Add(new NpgsqlParameter { Value = skip });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var result = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            result.Add(reader.GetString(0));
        }

        return result;
    }

    /// <summary>Whether a session has a message to deliver.</summary>
    internal async Task<bool> HasSessionMessagesAsync(int queueId, string sessionId, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(
            "SELECT EXISTS (SELECT 1 FROM message WHERE queue_id = $1 AND session_id = $2 AND part = 0 AND state = 0)");
        command.Parameters.Add(new NpgsqlParameter { Value = queueId });
        command.Parameters.Add(new NpgsqlParameter { Value = sessionId });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>A session's state; null when it has none.</summary>
    internal async Task<byte[]?> ReadSessionStateAsync(int queueId, string sessionId, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT state FROM session_state WHERE queue_id = $1 AND session_id = $2");
        command.Parameters.Add(new NpgsqlParameter { Value = queueId });
        command.Parameters.Add(new NpgsqlParameter { Value = sessionId });
        return await command.ExecuteScalarAsync(cancellationToken) as byte[];
    }

    /// <summary>Messages of a queue part by their sequence numbers.</summary>
    internal Task<List<QueuedMessage>> ReadByIdAsync(int queueId, QueuePart part, long[] ids, CancellationToken cancellationToken)
        => ReadAsync("queue_id = $1 AND part = $2 AND id = ANY($3)", "id", ids.Length, cancellationToken, queueId, (short)part, ids);

    /// <summary>Scheduled messages whose time has come.</summary>
    internal Task<List<QueuedMessage>> ReadDueAsync(int[] queueIds, DateTime now, int maxCount, CancellationToken cancellationToken)
        => ReadAsync("state = 2 AND visible_at <= $1 AND queue_id = ANY($2)", "visible_at, id", maxCount, cancellationToken, now, queueIds);

    /// <summary>Messages whose time to live is over.</summary>
    internal Task<List<QueuedMessage>> ReadExpiredAsync(int[] queueIds, DateTime now, int maxCount, CancellationToken cancellationToken)
        => ReadAsync("expires_at <= $1 AND state <> 2 AND queue_id = ANY($2)", "expires_at, id", maxCount, cancellationToken, now, queueIds);

    /// <summary>How many messages entities have; those with none are not in the answer.</summary>
    internal async Task<Dictionary<int, MessageCounts>> CountAsync(int[] queueIds, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("""
            SELECT queue_id, count(*) FILTER (WHERE part = 0 AND state <> 2), count(*) FILTER (WHERE state = 2),
                count(*) FILTER (WHERE part = 1), count(*) FILTER (WHERE part = 2), sum(octet_length(payload))::bigint
            FROM message WHERE queue_id = ANY($1) GROUP BY queue_id
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = queueIds });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var result = new Dictionary<int, MessageCounts>();
        while (await reader.ReadAsync(cancellationToken))
        {
            result[reader.GetInt32(0)] = new MessageCounts(reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5));
        }

        return result;
    }

    /// <summary>Removes what deleted entities have left, a little at a time.</summary>
    internal async Task PurgeAsync(int[] queueIds, CancellationToken cancellationToken)
    {
        await using var messages = _source.CreateCommand("DELETE FROM message WHERE id IN (SELECT id FROM message WHERE queue_id = ANY($1) LIMIT 2000)");
        messages.Parameters.Add(new NpgsqlParameter { Value = queueIds });
        while (await messages.ExecuteNonQueryAsync(cancellationToken) > 0)
        {
        }

        foreach (var table in (string[])["message_history", "session_state"])
        {
            await using var rest = _source.CreateCommand($"DELETE FROM {table} WHERE queue_id = ANY($1)");
            rest.Parameters.Add(new NpgsqlParameter { Value = queueIds });
            await rest.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Removes what entities have left that were deleted while the broker stopped.</summary>
    internal async Task PurgeUnknownAsync(CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(
            "SELECT DISTINCT m.queue_id FROM message m WHERE NOT EXISTS (SELECT 1 FROM queue q WHERE q.id = m.queue_id)");
        var ids = new List<int>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                ids.Add(reader.GetInt32(0));
            }
        }

        if (ids.Count > 0)
        {
            await PurgeAsync([.. ids], cancellationToken);
        }
    }

    /// <summary>Forgets message ids that need not be remembered any longer.</summary>
    internal async Task ForgetHistoryAsync(DateTime now, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(
            "DELETE FROM message_history WHERE ctid = ANY(ARRAY(SELECT ctid FROM message_history WHERE until < $1 LIMIT 10000)) AND until < $1");
        command.Parameters.Add(new NpgsqlParameter { Value = now });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>When the next scheduled message is due; null when none is scheduled.</summary>
    internal async Task<DateTime?> ReadNextDueAsync(int[] queueIds, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT visible_at FROM message WHERE state = 2 AND queue_id = ANY($1) ORDER BY visible_at LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter { Value = queueIds });
        return await command.ExecuteScalarAsync(cancellationToken) as DateTime?;
    }

    /// <summary>When the next message's time to live is over; null when none has one.</summary>
    internal async Task<DateTime?> ReadNextExpiryAsync(CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT expires_at FROM message WHERE expires_at IS NOT NULL AND state <> 2 ORDER BY expires_at LIMIT 1");
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
                SessionId = reader.IsDBNull(11) ? null : reader.GetString(11),
                Priority = reader.IsDBNull(12) ? null : (byte)reader.GetInt16(12),
            });
        }

        return result;
    }
}
