using AiPlatform.ServiceBusEmulator.Queues;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>The changes of one commit, gathered by kind so that each kind is one statement.</summary>
internal sealed class WriteGroup
{
    private const string Insert = """
        INSERT INTO message (id, enqueued_id, queue_id, part, state, enqueued_at, visible_at, expires_at, delivery_count, annotations, payload)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO NOTHING
        """;

    private const string Delete = "DELETE FROM message WHERE id = ANY($1)";

    private const string Count = """
        UPDATE message m SET delivery_count = k.delivery_count, state = k.state
        FROM unnest($1, $2, $3) AS k (id, delivery_count, state) WHERE m.id = k.id
        """;

    private const string Payload = "UPDATE message SET payload = $2 WHERE id = $1";

    private const string Move = """
        UPDATE message SET id = $2, enqueued_id = $3, part = $4, state = $5, enqueued_at = $6, visible_at = NULL, expires_at = $7,
            delivery_count = $8, payload = COALESCE($9, payload)
        WHERE id = $1 AND state = $10
        """;

    private const string Cancel = "DELETE FROM message WHERE id = ANY($1) AND queue_id = $2 AND state = 2";

    private const string Exists = "SELECT id FROM message WHERE id = ANY($1)";

    internal List<QueuedMessage> Inserts { get; } = [];

    internal List<long> Deletes { get; } = [];

    internal List<(long Id, int DeliveryCount, MessageState State)> Counts { get; } = [];

    internal List<(long Id, byte[] Payload)> Payloads { get; } = [];

    internal List<MessageMove> Moves { get; } = [];

    internal List<CancelOperation> Cancels { get; } = [];

    internal bool IsHeartbeat { get; set; }

    /// <summary>Executes everything in one transaction.</summary>
    /// <param name="connection">The owner's connection: a batch is one implicit transaction.</param>
    /// <param name="isRepeat">Whether an earlier attempt may have been committed.</param>
    /// <param name="reserveIdsUpTo">The new end of the reserved sequence numbers, when it moved.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    internal async Task ExecuteAsync(NpgsqlConnection connection, bool isRepeat, long? reserveIdsUpTo, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (reserveIdsUpTo is { } end)
        {
            batch.BatchCommands.Add(Command("UPDATE broker SET next_id = $1", end));
        }

        AddBulk(batch);
        var cancels = Cancels.ConvertAll(cancel => Add(batch, Command(Cancel, cancel.Ids, cancel.QueueId)));
        var moves = Moves.ConvertAll(move => Add(batch, MoveCommand(move)));
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
            Moves[i].Applied = moves[i].RecordsAffected > 0;
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
        if (Inserts.Count > 0)
        {
            var command = Command(
                Insert,
                Inserts.ConvertAll(message => message.Id),
                Inserts.ConvertAll(message => message.EnqueuedId),
                Inserts.ConvertAll(message => message.QueueId),
                Inserts.ConvertAll(message => (short)message.Part),
                Inserts.ConvertAll(message => (short)message.State),
                Inserts.ConvertAll(message => message.EnqueuedAt));
            command.Parameters.Add(Typed(Inserts.ConvertAll(message => message.VisibleAt), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz));
            command.Parameters.Add(Typed(Inserts.ConvertAll(message => message.ExpiresAt), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz));
            command.Parameters.Add(new NpgsqlParameter { Value = Inserts.ConvertAll(message => message.DeliveryCount) });
            command.Parameters.Add(Typed(Inserts.ConvertAll(message => message.Annotations), NpgsqlDbType.Array | NpgsqlDbType.Bytea));
            command.Parameters.Add(Typed(Inserts.ConvertAll(message => message.Payload), NpgsqlDbType.Array | NpgsqlDbType.Bytea));
            batch.BatchCommands.Add(command);
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

    private static NpgsqlBatchCommand MoveCommand(MessageMove move)
    {
        var target = move.Target;
        var command = Command(Move, move.Id, target.Id, target.EnqueuedId, (short)target.Part, (short)target.State, target.EnqueuedAt);
        command.Parameters.Add(Typed(target.ExpiresAt, NpgsqlDbType.TimestampTz));
        command.Parameters.Add(new NpgsqlParameter { Value = target.DeliveryCount });
        command.Parameters.Add(Typed(target.Payload, NpgsqlDbType.Bytea));
        command.Parameters.Add(new NpgsqlParameter { Value = (short)move.Expected });
        return command;
    }

    private async Task FindAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Exists, connection)
        {
            Parameters = { new() { Value = Moves.ConvertAll(move => move.Target.Id) } },
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
            move.Applied = found.Contains(move.Target.Id);
        }
    }
}
