using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Queues;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>
/// One change that is made durable together with others in a group. It is prepared once and may be executed several times
/// when the outcome of a commit is unknown, so its statements are idempotent.
/// </summary>
internal abstract class WriteOperation
{
    /// <summary>Why PostgreSQL refused this change, when it did.</summary>
    internal Exception? Failure { get; set; }

    /// <summary>Takes sequence numbers, in the order in which operations are written.</summary>
    internal virtual void Prepare(Func<long> nextId)
    {
    }

    internal abstract void AddTo(WriteGroup group);

    /// <summary>Applies the change to memory. Runs on the writer, in order, after the commit; must not throw.</summary>
    internal virtual void Committed()
    {
    }
}

/// <summary>New messages, all or none.</summary>
internal sealed class InsertOperation(IReadOnlyList<QueuedMessage> messages, Action<IReadOnlyList<QueuedMessage>> committed) : WriteOperation
{
    internal override void Prepare(Func<long> nextId)
    {
        foreach (var message in messages)
        {
            message.Id = nextId();
        }
    }

    internal override void AddTo(WriteGroup group) => group.Inserts.AddRange(messages);

    internal override void Committed() => committed(messages.Any(static message => message.Duplicates is not null)
        ? [.. messages.Where(static message => !DuplicateCheck.IsDuplicate(message.Duplicates))]
        : messages);
}

/// <summary>Messages that are done with.</summary>
internal sealed class DeleteOperation(long[] ids) : WriteOperation
{
    internal override void AddTo(WriteGroup group) => group.Deletes.AddRange(ids);
}

/// <summary>Delivery counts, and whether a message is deferred.</summary>
internal sealed class CountOperation(IReadOnlyList<(long Id, int DeliveryCount, MessageState State)> counts) : WriteOperation
{
    internal override void AddTo(WriteGroup group) => group.Counts.AddRange(counts);
}

/// <summary>New properties of a message that stays where it is.</summary>
internal sealed class PayloadOperation(long id, int deliveryCount, MessageState state, byte[] payload) : WriteOperation
{
    internal override void AddTo(WriteGroup group)
    {
        group.Counts.Add((id, deliveryCount, state));
        group.Payloads.Add((id, payload));
    }
}

/// <summary>Messages that go to other places: dead-lettered, forwarded, or scheduled and now due.</summary>
internal sealed class MoveOperation(IReadOnlyList<MessageMove> moves, Action<IReadOnlyList<MessageMove>> committed) : WriteOperation
{
    internal override void Prepare(Func<long> nextId)
    {
        foreach (var move in moves)
        {
            foreach (var target in move.Targets)
            {
                target.Id = nextId();
            }
        }
    }

    internal override void AddTo(WriteGroup group) => group.Moves.AddRange(moves);

    internal override void Committed() => committed([.. moves.Where(move => move.Applied)]);
}

/// <summary>One message that gets new places, most often one. Not applied when it is no longer where it was expected.</summary>
/// <param name="source">The message as it is now.</param>
/// <param name="targets">Where it goes.</param>
internal sealed class MessageMove(QueuedMessage source, IReadOnlyList<QueuedMessage> targets)
{
    internal long Id { get; } = source.Id;

    internal MessageState Expected { get; } = source.State;

    /// <summary>The entity that it leaves, and the bytes that it takes there.</summary>
    internal (int QueueId, int Bytes) Origin { get; } = (source.QueueId, source.Bytes);

    internal IReadOnlyList<QueuedMessage> Targets => targets;

    /// <summary>The places that it gets: an entity that has had its id before is none. Known when the writer has looked.</summary>
    internal IReadOnlyList<QueuedMessage> Placed
        => targets.Any(static target => DuplicateCheck.IsDuplicate(target.Duplicates))
            ? [.. targets.Where(static target => !DuplicateCheck.IsDuplicate(target.Duplicates))]
            : targets;

    internal bool Applied { get; set; }
}

/// <summary>Several changes that are made durable together or not at all.</summary>
internal sealed class CompositeOperation(IReadOnlyList<WriteOperation> parts) : WriteOperation
{
    internal override void Prepare(Func<long> nextId)
    {
        foreach (var part in parts)
        {
            part.Prepare(nextId);
        }
    }

    internal override void AddTo(WriteGroup group)
    {
        foreach (var part in parts)
        {
            part.AddTo(group);
        }
    }

    internal override void Committed()
    {
        foreach (var part in parts)
        {
            part.Committed();
        }
    }
}

/// <summary>A statement about an entity. It must be idempotent.</summary>
internal sealed class StatementOperation(string sql, params object[] values) : WriteOperation
{
    internal override void AddTo(WriteGroup group) => group.Statements.Add((sql, values));
}

/// <summary>Scheduled messages that are taken back: all of them, or none.</summary>
internal sealed class CancelOperation(int queueId, long[] ids) : WriteOperation
{
    internal int QueueId => queueId;

    /// <summary>Each once.</summary>
    internal long[] Ids { get; } = [.. ids.Distinct()];

    /// <summary>How many of them were still scheduled.</summary>
    internal int Cancelled { get; set; }

    internal override void AddTo(WriteGroup group) => group.Cancels.Add(this);
}

/// <summary>Nothing: proves that the broker still owns its queues.</summary>
internal sealed class HeartbeatOperation : WriteOperation
{
    internal override void AddTo(WriteGroup group) => group.IsHeartbeat = true;
}
