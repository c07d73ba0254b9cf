using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Queues;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>The changes of one commit, gathered by kind so that each kind is one statement.</summary>
internal sealed class WriteGroup
{
    private const string Columns = "id, enqueued_id, queue_id, part, state, enqueued_at, visible_at, expires_at, delivery_count, annotations, payload, session_id, priority";
    private const string Values = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13";

    private const string Insert = $"INSERT INTO message ({Columns}) SELECT * FROM unnest({Values}) ON CONFLICT (id) DO NOTHING";

    private const string Delete = "DELETE FROM message WHERE id = ANY($1)";

    private const string Count = """
        UPDATE message m SET delivery_count = k.delivery_count, state = k.state
        FROM unnest($1, $2, $3) AS k (id, delivery_count, state) WHERE m.id = k.id
        """;

    private const string Payload = "UPDATE message SET payload = $2 WHERE id = $1";

    private const string Move = """
        UPDATE message SET id = $2, enqueued_id = $3, part = $4, state = $5, enqueued_at = $6, visible_at = NULL, expires_at = $7,
            delivery_count = $8, payload = $9, queue_id = $11, session_id = $12, annotations = $13
        WHERE id = $1 AND state = $10
        """;

    // To several places, or to none.
    private const string Spread = $"""
        WITH gone AS (DELETE FROM message WHERE id = $14 AND state = $15 RETURNING 1)
        INSERT INTO message ({Columns}) SELECT k.* FROM unnest({Values}) AS k WHERE EXISTS (SELECT 1 FROM gone)
        """;

    private const string Remember = """
        INSERT INTO message_history (queue_id, message_id, until) SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT (queue_id, message_id) DO UPDATE SET until = EXCLUDED.until
        """;

    private const string Remembered = """
        SELECT h.queue_id, h.message_id FROM unnest($1, $2) AS k (queue_id, message_id)
        JOIN message_history h USING (queue_id, message_id) WHERE h.until > $3
        """;

    // All of them, or none.
    private const string Cancel = """
        WITH wanted AS (SELECT id FROM message WHERE id = ANY($1) AND queue_id = $2 AND state = 2)
        DELETE FROM message WHERE id IN (SELECT id FROM wanted) AND (SELECT count(*) FROM wanted) = $3
        """;

    private const string Exists = "SELECT id FROM message WHERE id = ANY($1)";

    private List<DuplicateCheck>? _checks;

    internal List<QueuedMessage> Inserts { get; } = [];

    internal List<long> Deletes { get; } = [];

    internal List<(long Id, int DeliveryCount, MessageState State)> Counts { get; } = [];

    internal List<(long Id, byte[] Payload)> Payloads { get; } = [];

    internal List<MessageMove> Moves { get; } = [];

    internal List<CancelOperation> Cancels { get; } = [];

    internal List<(string Sql, object[] Values)> Statements { get; } = [];

    internal bool IsHeartbeat { get; set; }

    /// <summary>Executes everything in one transaction.</summary>
    /// <param name="connection">The owner's connection: a batch is one implicit transaction.</param>
    /// <param name="isRepeat">Whether an earlier attempt may have been committed.</param>
    /// <param name="reserveIdsUpTo">The new end of the reserved sequence numbers, when it moved.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    internal async Task ExecuteAsync(NpgsqlConnection connection, bool isRepeat, long? reserveIdsUpTo, CancellationToken cancellationToken)
    {
        // Found out once: after a commit with an unknown outcome the history may have these very messages.
        _checks ??= await CheckDuplicatesAsync(connection, cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        if (reserveIdsUpTo is { } end)
        {
            batch.BatchCommands.Add(Command("UPDATE broker SET next_id = $1", end));
        }

        AddBulk(batch);
        var cancels = Cancels.ConvertAll(cancel => Add(batch, Command(Cancel, cancel.Ids, cancel.QueueId, (long)cancel.Ids.Length)));
        var moves = Moves.ConvertAll(move => Add(batch, MoveCommand(move)));
        foreach (var (sql, values) in Statements)
        {
            batch.BatchCommands.Add(Command(sql, values));
        }

        if (IsHeartbeat && batch.BatchCommands.Count == 0)
        {
            batch.BatchCommands.Add(Command("SELECT 1"));
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        for (var i = 0; i < Cancels.Count; i++)
        {
            // After an unknown commit nothing is left to count: what was asked for is gone, which is what was wanted.
            Cancels[i].Cancelled = isRepeat ? Cancels[i].Ids.Length : (int)cancels[i].RecordsAffected;
        }

        for (var i = 0; i < Moves.Count; i++)
        {
            Moves[i].Applied = moves[i].RecordsAffected > 0 || Moves[i].Placed.Count == 0;
        }

        if (isRepeat && Moves.Exists(move => !move.Applied))
        {
            await FindAppliedAsync(connection, cancellationToken);
        }
    }

    private static NpgsqlBatchCommand Add(NpgsqlBatch batch, NpgsqlBatchCommand command)
    {
        batch.BatchCommands.Add(command);
        return command;
    }

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    private static NpgsqlParameter Typed(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private void AddBulk(NpgsqlBatch batch)
    {
        if (_checks is { Count: > 0 } && _checks.FindAll(static check => !check.IsRepeated) is { Count: > 0 } fresh)
        {
            batch.BatchCommands.Add(Command(
                Remember, fresh.ConvertAll(check => check.QueueId), fresh.ConvertAll(check => check.MessageId), fresh.ConvertAll(check => check.Until)));
        }

        var inserts = _checks is { Count: > 0 } ? Inserts.FindAll(static message => !DuplicateCheck.IsDuplicate(message.Duplicates)) : Inserts;
        if (inserts.Count > 0)
        {
            batch.BatchCommands.Add(InsertCommand(Insert, inserts));
        }

        if (Counts.Count > 0)
        {
            // The last change of a message in the group counts; UPDATE … FROM would pick any.
            var last = Counts.GroupBy(count => count.Id).Select(changes => changes.Last()).ToList();
            batch.BatchCommands.Add(Command(
                Count,
                last.ConvertAll(count => count.Id),
                last.ConvertAll(count => count.DeliveryCount),
                last.ConvertAll(count => (short)count.State)));
        }

        foreach (var (id, payload) in Payloads)
        {
            batch.BatchCommands.Add(Command(Payload, id, payload));
        }

        if (Deletes.Count > 0)
        {
            batch.BatchCommands.Add(Command(Delete, Deletes));
        }
    }

    private static NpgsqlBatchCommand InsertCommand(string sql, List<QueuedMessage> messages)
    {
        var command = Command(
            sql,
            messages.ConvertAll(message => message.Id),
            messages.ConvertAll(message => message.EnqueuedId),
            messages.ConvertAll(message => message.QueueId),
            messages.ConvertAll(message => (short)message.Part),
            messages.ConvertAll(message => (short)message.State),
            messages.ConvertAll(message => message.EnqueuedAt));
        command.Parameters.Add(Typed(messages.ConvertAll(message => message.VisibleAt), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz));
        command.Parameters.Add(Typed(messages.ConvertAll(message => message.ExpiresAt), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz));
        command.Parameters.Add(new NpgsqlParameter { Value = messages.ConvertAll(message => message.DeliveryCount) });
        command.Parameters.Add(Typed(messages.ConvertAll(message => message.Annotations), NpgsqlDbType.Array | NpgsqlDbType.Bytea));
        command.Parameters.Add(Typed(messages.ConvertAll(message => message.Payload), NpgsqlDbType.Array | NpgsqlDbType.Bytea));
        command.Parameters.Add(Typed(messages.ConvertAll(message => message.SessionId), NpgsqlDbType.Array | NpgsqlDbType.Text));
        command.Parameters.Add(Typed(messages.ConvertAll(message => (short?)message.Priority), NpgsqlDbType.Array | NpgsqlDbType.Smallint));
        return command;
    }

    private static NpgsqlBatchCommand MoveCommand(MessageMove move)
    {
        if (move.Placed is not [var target])
        {
            var spread = InsertCommand(Spread, [.. move.Placed]);
            spread.Parameters.Add(new NpgsqlParameter { Value = move.Id });
            spread.Parameters.Add(new NpgsqlParameter { Value = (short)move.Expected });
            return spread;
        }

        var command = Command(Move, move.Id, target.Id, target.EnqueuedId, (short)target.Part, (short)target.State, target.EnqueuedAt);
        command.Parameters.Add(Typed(target.ExpiresAt, NpgsqlDbType.TimestampTz));
        command.Parameters.Add(new NpgsqlParameter { Value = target.DeliveryCount });
        command.Parameters.Add(Typed(target.Payload, NpgsqlDbType.Bytea));
        command.Parameters.Add(new NpgsqlParameter { Value = (short)move.Expected });
        command.Parameters.Add(new NpgsqlParameter { Value = target.QueueId });
        command.Parameters.Add(Typed(target.SessionId, NpgsqlDbType.Text));
        command.Parameters.Add(Typed(target.Annotations, NpgsqlDbType.Bytea));
        return command;
    }

    // The history is written by this connection only, so what it has now is what it has at the commit.
    private async Task<List<DuplicateCheck>> CheckDuplicatesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var checks = new HashSet<DuplicateCheck>();
        foreach (var message in Inserts.Concat(Moves.SelectMany(static move => move.Targets)))
        {
            for (var check = message.Duplicates; check is not null; check = check.Earlier)
            {
                check.IsRepeated = false;
                checks.Add(check);
            }
        }

        if (checks.Count == 0)
        {
            return [];
        }

        var list = checks.ToList();
        await using var command = new NpgsqlCommand(Remembered, connection)
        {
            Parameters =
            {
                new() { Value = list.ConvertAll(check => check.QueueId) },
                new() { Value = list.ConvertAll(check => check.MessageId) },
                new() { Value = DateTime.UtcNow },
            },
        };
        var seen = new HashSet<(int, string)>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                seen.Add((reader.GetInt32(0), reader.GetString(1)));
            }
        }

        // The first of a group is new to those after it.
        foreach (var check in list)
        {
            check.IsRepeated = !seen.Add((check.QueueId, check.MessageId));
        }

        return list;
    }

    private async Task FindAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Exists, connection)
        {
            Parameters = { new() { Value = Moves.SelectMany(move => move.Placed).Select(target => target.Id).ToArray() } },
        };
        var found = new HashSet<long>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                found.Add(reader.GetInt64(0));
            }
        }

        foreach (var move in Moves)
        {
            move.Applied = move.Placed.Count == 0 || found.Contains(move.Placed[0].Id);
        }
    }
}
