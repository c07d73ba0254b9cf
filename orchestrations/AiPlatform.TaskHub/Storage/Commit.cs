using System.Runtime.InteropServices;
using AiPlatform.DurableTask.Protobuf;

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
    /// <summary>Rows to append.</summary>
    public List<LogRow> Log { get; } = [];

    /// <summary>Instances to create.</summary>
    public List<InstanceInsert> Inserts { get; } = [];

    /// <summary>Instances to update; the last update of an instance counts.</summary>
    public List<InstanceUpdate> Updates { get; } = [];

    /// <summary>Older executions to forget.</summary>
    public List<LogTrim> Trims { get; } = [];

    /// <summary>Keys of instances to remove with their logs.</summary>
    public IReadOnlyCollection<long> Deletes { get; init; } = [];

    /// <summary>Moves the state in memory on; called under the engine's lock.</summary>
    public Action? Apply { get; set; }

    /// <summary>Undoes what was reserved in memory for a start that is not carried out; called under the engine's lock.</summary>
    public Action? Refuse { get; set; }

    /// <summary>Set by the store.</summary>
    public CommitResult Result { get; set; }
}
