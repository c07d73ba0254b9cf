using System.Runtime.InteropServices;
using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Storage;

/// <summary>What a row of the log says.</summary>
internal enum LogKind : short
{
    /// <summary>An event arrived (payload: HistoryEvent).</summary>
    Event = 0,

    /// <summary>A turn consumed events and asked for actions (payload: HistoryChunk).</summary>
    Turn = 1,

    /// <summary>An execution started: history begins anew (payload: HistoryChunk).</summary>
    Start = 2,

    /// <summary>The execution was rewound: its history is this one (payload: HistoryChunk).</summary>
    Rewound = 3,
}

/// <summary>One row of the log.</summary>
internal readonly record struct LogRow(long InstanceKey, long Seq, LogKind Kind, int Consumed, byte[] Payload);

/// <summary>A new instance, and in which finished statuses an older instance of the same id gives way to it.</summary>
internal sealed record InstanceInsert(
    long Key, int Hub, long? ParentKey, OrchestrationState State, string? Input, IReadOnlyCollection<OrchestrationStatus> Replaceable);

/// <summary>The visible state of an instance after a change; the input only when a new execution changed it.</summary>
internal sealed record InstanceUpdate(long Key, OrchestrationState State, bool NewInput, string? Input);

/// <summary>The rows of an older execution that a new one replaces: its turns, and the events up to the last consumed one.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogTrim(long InstanceKey, long BeforeSeq, long LastConsumedSeq);

/// <summary>Names one message to an entity.</summary>
internal readonly record struct EntityMessageKey(int Hub, string EntityId, long Seq);

/// <summary>The state and lock of an entity after a change.</summary>
internal sealed record EntityUpdate(int Hub, string EntityId, DateTime ModifiedAt, string? LockedBy, string? Section, string? State);

/// <summary>What became of a commit.</summary>
internal enum CommitResult
{
    /// <summary>It is durable.</summary>
    Written,

    /// <summary>The instance exists already: nothing was written.</summary>
    Conflict,

    /// <summary>The same start was already carried out: nothing was written.</summary>
    Repeated,
}

/// <summary>
/// All rows of one change; they become durable together or not at all. <see cref="Apply"/> runs once they are, in the order in
/// which commits were added.
/// </summary>
internal sealed class Commit
{
    // Most commits have rows of one or two kinds only.
    private List<LogRow>? _log;
    private List<InstanceInsert>? _inserts;
    private List<InstanceUpdate>? _updates;
    private List<LogTrim>? _trims;
    private List<(EntityMessageKey Key, byte[] Payload)>? _entityMessages;
    private List<EntityMessageKey>? _entityMessagesDone;
    private List<EntityUpdate>? _entityUpdates;
    private List<MessageRow>? _messages;
    private List<string>? _payloadsFreed;
    private List<long>? _messagesDone;

    /// <summary>Rows to append.</summary>
    public List<LogRow> Log => _log ??= [];

    /// <summary>Instances to create.</summary>
    public List<InstanceInsert> Inserts => _inserts ??= [];

    /// <summary>Instances to update; the last update of an instance counts.</summary>
    public List<InstanceUpdate> Updates => _updates ??= [];

    /// <summary>Older executions to forget.</summary>
    public List<LogTrim> Trims => _trims ??= [];

    /// <summary>Keys of instances to remove with their logs.</summary>
    public IReadOnlyCollection<long> Deletes { get; init; } = [];

    /// <summary>Messages to entities (HistoryEvent).</summary>
    public List<(EntityMessageKey Key, byte[] Payload)> EntityMessages => _entityMessages ??= [];

    /// <summary>Messages that an entity has worked off.</summary>
    public List<EntityMessageKey> EntityMessagesDone => _entityMessagesDone ??= [];

    /// <summary>Entities that changed.</summary>
    public List<EntityUpdate> EntityUpdates => _entityUpdates ??= [];

    /// <summary>Entities to remove if they have no state, no lock and no messages.</summary>
    public IReadOnlyCollection<string> EmptyEntities { get; init; } = [];

    /// <summary>The task hub of <see cref="EmptyEntities"/>.</summary>
    public int EmptyEntitiesHub { get; init; }

    /// <summary>Messages to other processes' instances and entities.</summary>
    public List<MessageRow> Messages => _messages ??= [];

    /// <summary>Owners that name no large payloads any more, as <c>PayloadRows</c> writes them.</summary>
    public List<string> PayloadsFreed => _payloadsFreed ??= [];

    /// <summary>Ids of messages whose effect this commit is.</summary>
    public List<long> MessagesDone => _messagesDone ??= [];

    /// <summary>Runs on the writer's connection after everything that was decided before is durable; nothing else may be in the commit.</summary>
    public Func<HubOwner, CancellationToken, Task>? Control { get; init; }

    /// <summary>A work item to park.</summary>
    public ParkedRow? Parked { get; init; }

    /// <summary>The instance or entity whose work is parked no more.</summary>
    public (int Hub, string InstanceId)? Unparked { get; set; }

    /// <summary>A task hub to remove with all that is in it.</summary>
    public int? DeletedHub { get; init; }

    /// <summary>Moves the state in memory on; called under the engine's lock.</summary>
    public Action? Apply { get; set; }

    /// <summary>Undoes what was reserved in memory for a start that is not carried out; called under the engine's lock.</summary>
    public Action? Refuse { get; set; }

    /// <summary>Set by the store.</summary>
    public CommitResult Result { get; set; }

    /// <summary>Those of all commits of a group.</summary>
    public static LogRow[] LogOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._log);

    /// <summary>Those of all commits of a group.</summary>
    public static InstanceInsert[] InsertsOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._inserts);

    /// <summary>Those of all commits of a group.</summary>
    public static InstanceUpdate[] UpdatesOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._updates);

    /// <summary>Those of all commits of a group.</summary>
    public static LogTrim[] TrimsOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._trims);

    /// <summary>Those of all commits of a group.</summary>
    public static (EntityMessageKey Key, byte[] Payload)[] EntityMessagesOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._entityMessages);

    /// <summary>Those of all commits of a group.</summary>
    public static EntityMessageKey[] EntityMessagesDoneOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._entityMessagesDone);

    /// <summary>Those of all commits of a group.</summary>
    public static EntityUpdate[] EntityUpdatesOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._entityUpdates);

    /// <summary>Those of all commits of a group.</summary>
    public static MessageRow[] MessagesOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._messages);

    /// <summary>Those of all commits of a group.</summary>
    public static string[] PayloadsFreedOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._payloadsFreed);

    /// <summary>Those of all commits of a group.</summary>
    public static long[] MessagesDoneOf(IReadOnlyList<Commit> group) => Gather(group, static commit => commit._messagesDone);

    private static T[] Gather<T>(IReadOnlyList<Commit> group, Func<Commit, List<T>?> rows)
    {
        var count = 0;
        for (var index = 0; index < group.Count; index++)
        {
            count += rows(group[index])?.Count ?? 0;
        }

        var all = count == 0 ? [] : new T[count];
        for (var (index, filled) = (0, 0); filled < count; index++)
        {
            if (rows(group[index]) is { } some)
            {
                some.CopyTo(all, filled);
                filled += some.Count;
            }
        }

        return all;
    }
}
