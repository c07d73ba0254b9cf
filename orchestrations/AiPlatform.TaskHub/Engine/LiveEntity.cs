using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>A durable message that waits for an entity, with the sequence number of its row.</summary>
internal readonly record struct EntityMessage(long Seq, HistoryEvent Event)
{
    public bool IsOperation => Event.EntityOperationCalled is not null || Event.EntityOperationSignaled is not null;

    /// <summary>When a scheduled operation is due.</summary>
    public DateTime? ScheduledTime => (Event.EntityOperationSignaled?.ScheduledTime ?? Event.EntityOperationCalled?.ScheduledTime) is { Seconds: > 0 } time ? WireTime.Of(time) : null;
}

/// <summary>Operations that a worker has, and the delivery's token.</summary>
internal sealed record EntityBatch(string Token, WorkerConnection Worker, EntityMessage[] Operations, DateTime At);

/// <summary>
/// An entity in memory: what is durable about it, and what waits for it. It runs one batch at a time. Entities with nothing to do
/// are forgotten in time and read again when a message comes. Guarded by the engine's lock.
/// </summary>
internal sealed class LiveEntity(HubState hub, string id)
{
    public HubState Hub { get; } = hub;

    public string Id { get; } = id;

    public string Name { get; } = EntityName.Of(id);

    /// <summary>Whether state and lock were read; messages may come before.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>The serialised state; null for none.</summary>
    public string? State { get; set; }

    /// <summary>The orchestration that holds the lock.</summary>
    public string? LockedBy { get; set; }

    /// <summary>The critical section that it holds the lock for.</summary>
    public string? Section { get; set; }

    /// <summary>Messages that may be worked on, oldest first.</summary>
    public List<EntityMessage> Queue { get; } = [];

    /// <summary>Messages that are being written, and scheduled ones that are not due: the entity must stay in memory.</summary>
    public int Expected { get; set; }

    /// <summary>Its hub was removed, or its partition went to another process.</summary>
    public bool IsForgotten { get; set; }

    public TurnStage Stage { get; set; }

    public EntityBatch? Batch { get; set; }

    public int FailedDeliveries { get; set; }

    /// <summary>Times in a row that workers gave its batch back.</summary>
    public Abandonments Abandonments { get; set; }

    /// <summary>Its place among the idle ones.</summary>
    public LinkedListNode<LiveEntity>? Idle { get; set; }

    /// <summary>
    /// The operations that may run now: of an unlocked entity those before the next lock request, of a locked one its holder's calls.
    /// </summary>
    public EntityMessage[] NextOperations(int limit)
        => (LockedBy is null
            ? Queue.TakeWhile(message => message.IsOperation)
            : Queue.Where(message => message.Event.EntityOperationCalled?.ParentInstanceId == LockedBy)).Take(limit).ToArray();
}
