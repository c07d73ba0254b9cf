using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;
using EventCase = AiPlatform.TaskHub.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>An event that arrived and was not consumed by a turn yet, with the sequence number of its row.</summary>
internal readonly record struct Arrival(long Seq, HistoryEvent Event, bool FromStart);

/// <summary>Where the orchestrator's next turn is.</summary>
internal enum TurnStage
{
    /// <summary>Nothing to do.</summary>
    Idle,

    /// <summary>Waits for a worker.</summary>
    Ready,

    /// <summary>A worker has it.</summary>
    Dispatched,

    /// <summary>Its result is being written.</summary>
    Committing,
}

/// <summary>
/// An orchestration that has not ended. What is durable about it (history, arrivals, pending work) is the fold of its log rows:
/// the same methods build it while it runs and after a restart. Guarded by the engine's lock.
/// </summary>
internal sealed class LiveInstance(HubState hub, long key, OrchestrationState state)
{
    public HubState Hub { get; } = hub;

    public long Key { get; } = key;

    public string Id { get; } = state.InstanceId;

    public int Partition { get; } = Engine.Partition.Of(state.InstanceId);

    /// <summary>What clients see; without the input. Decided, though perhaps not durable yet: see <see cref="LastCommit"/>.</summary>
    public OrchestrationState State { get; set; } = state;

    public string? Input { get; set; }

    public ParentInstanceInfo? Parent { get; set; }

    /// <summary>Consumed events and the events of actions, in the order of the history.</summary>
    public List<HistoryEvent> History { get; } = [];

    /// <summary>About how many bytes the history is when it is sent.</summary>
    public long HistoryBytes { get; private set; }

    /// <summary>The span of the current execution, as its workers have named it; every turn gets it back.</summary>
    public OrchestrationTraceContext? TraceContext { get; private set; }

    /// <summary>Durable events that no turn consumed yet.</summary>
    public List<Arrival> Inbox { get; } = [];

    public Dictionary<int, PendingActivity> Activities { get; } = [];

    /// <summary>Timers that have not fired, by id.</summary>
    public Dictionary<int, DateTime> Timers { get; } = [];

    /// <summary>What waits in the engine for timers, by id.</summary>
    public Dictionary<int, Deadline> Armed { get; } = [];

    /// <summary>Ids of sub-orchestrations that have not reported back, by the id of the action.</summary>
    public Dictionary<int, string> SubOrchestrations { get; } = [];

    /// <summary>Entities that are locked, or asked to be, by critical section.</summary>
    public Dictionary<string, HashSet<string>> Locks { get; } = new(StringComparer.Ordinal);

    /// <summary>How the current execution was started.</summary>
    public ExecutionStartedEvent Started { get; private set; } = new();

    /// <summary>Rows of arrivals up to this one are consumed.</summary>
    public long LastConsumedSeq { get; private set; } = -1;

    /// <summary>The next row of the log.</summary>
    public long NextSeq { get; set; }

    public TurnStage Stage { get; set; }

    public Turn? Turn { get; set; }

    /// <summary>Times in a row that a turn's worker was lost.</summary>
    public int FailedDeliveries { get; set; }

    /// <summary>Times in a row that workers gave a turn back.</summary>
    public Abandonments Abandonments { get; set; }

    /// <summary>Its end, or its replacement, is decided: nothing more is accepted.</summary>
    public bool Ended { get; set; }

    /// <summary>Ends when the instance itself is durable; others wait for it before they build on the instance.</summary>
    public Task Creation { get; set; } = Task.CompletedTask;

    /// <summary>The last commit that was decided; what <see cref="State"/> shows is durable when it ends.</summary>
    public Task LastCommit { get; set; } = Task.CompletedTask;

    public List<TaskCompletionSource> StartWaiters { get; } = [];

    public List<TaskCompletionSource> EndWaiters { get; } = [];

    public bool IsSuspended => State.OrchestrationStatus == OrchestrationStatus.Suspended;

    /// <summary>Folds a row of the log.</summary>
    public void Fold(LogRow row)
    {
        NextSeq = row.Seq + 1;
        switch (row.Kind)
        {
            case LogKind.Event:
                FoldArrival(row.Seq, HistoryEvent.Parser.ParseFrom(row.Payload));
                break;
            case LogKind.Turn:
                FoldTurn(HistoryChunk.Parser.ParseFrom(row.Payload), row.Consumed);
                break;
            case LogKind.Start:
                FoldStart(row.Seq, HistoryChunk.Parser.ParseFrom(row.Payload).Events, 0);
                break;
            case LogKind.Rewound:
                FoldRewound(HistoryChunk.Parser.ParseFrom(row.Payload).Events);
                break;
            default:
                throw new InvalidDataException($"Log row {row.InstanceKey}/{row.Seq} has the unknown kind {row.Kind}.");
        }
    }

    /// <summary>An event arrived: what it answers is no longer pending.</summary>
    public void FoldArrival(long seq, HistoryEvent item)
    {
        Inbox.Add(new(seq, item, false));
        Answered(item);
    }

    /// <summary>A turn: its first event starts it, then come the consumed arrivals, then the events of its actions.</summary>
    public void FoldTurn(HistoryChunk turn, int consumed)
    {
        TraceContext = turn.OrchestrationTraceContext ?? TraceContext;
        Record(turn.Events[0]);
        for (var index = 0; index < consumed; index++)
        {
            Record(Inbox[index].Event);
            if (!Inbox[index].FromStart)
            {
                LastConsumedSeq = Inbox[index].Seq;
            }
        }

        Inbox.RemoveRange(0, consumed);
        foreach (var item in turn.Events.Skip(1))
        {
            Record(item);
            Asked(item);
        }
    }

    /// <summary>The history is another one: what it asked for and was not answered is pending.</summary>
    public void FoldRewound(IReadOnlyList<HistoryEvent> history)
    {
        ClearPending();
        Forget();
        foreach (var item in history)
        {
            Record(item);
            Asked(item);
            Answered(item);
        }

        foreach (var arrival in Inbox)
        {
            Answered(arrival.Event);
        }
    }

    /// <summary>Which entities are locked, by critical section, after an event of a turn.</summary>
    public static void FoldLocks(Dictionary<string, HashSet<string>> locks, HistoryEvent item)
    {
        if (item.EventSent is { } sent && LegacyEntityMessage.Read(sent.InstanceId, sent.Name, sent.Input) is { } legacy)
        {
            item = legacy;
        }

        if (item.EntityLockRequested is { } request)
        {
            locks[request.CriticalSectionId] = [.. request.LockSet];
        }
        else if (item.EntityUnlockSent is { } unlock && locks.TryGetValue(unlock.CriticalSectionId, out var held))
        {
            held.Remove(unlock.TargetInstanceId);
            if (held.Count == 0)
            {
                locks.Remove(unlock.CriticalSectionId);
            }
        }
    }

    /// <summary>An execution starts: the history is empty, what was pending belongs to the past.</summary>
    public void FoldStart(long seq, IReadOnlyList<HistoryEvent> events, int consumed)
    {
        Started = events.First(static item => item.ExecutionStarted is not null).ExecutionStarted;
        TraceContext = null;
        Forget();
        ClearPending();

        // Arrivals that came with the last start are part of the new row's payload if they are still wanted.
        Inbox.RemoveRange(0, consumed);
        // Results for the past execution are not: their task ids mean something else now.
        Inbox.RemoveAll(static arrival => arrival.FromStart || !Survives(arrival.Event));
        Inbox.InsertRange(0, events.Select(item => new Arrival(seq, item, true)));
    }

    private void Record(HistoryEvent item)
    {
        History.Add(item);
        HistoryBytes += PayloadFields.Size(item);
    }

    private void Forget()
    {
        History.Clear();
        HistoryBytes = 0;
    }

    private void ClearPending()
    {
        Activities.Clear();
        Timers.Clear();
        SubOrchestrations.Clear();
        Locks.Clear();
    }

    /// <summary>An event of an action: what it asks for is pending.</summary>
    private void Asked(HistoryEvent item)
    {
        switch (item.EventTypeCase)
        {
            case EventCase.TaskScheduled:
                Activities[item.EventId] = new PendingActivity(this, item);
                break;
            case EventCase.TimerCreated:
                Timers[item.EventId] = WireTime.Of(item.TimerCreated.FireAt);
                break;
            case EventCase.SubOrchestrationInstanceCreated:
                SubOrchestrations[item.EventId] = item.SubOrchestrationInstanceCreated.InstanceId;
                break;
            default:
                FoldLocks(Locks, item);
                break;
        }
    }

    /// <summary>An event that arrived: what it answers is no longer pending.</summary>
    private void Answered(HistoryEvent item)
    {
        switch (item.EventTypeCase)
        {
            case EventCase.TaskCompleted:
                Activities.Remove(item.TaskCompleted.TaskScheduledId);
                break;
            case EventCase.TaskFailed:
                Activities.Remove(item.TaskFailed.TaskScheduledId);
                break;
            case EventCase.TimerFired:
                Timers.Remove(item.TimerFired.TimerId);
                break;
            case EventCase.SubOrchestrationInstanceCompleted:
                SubOrchestrations.Remove(item.SubOrchestrationInstanceCompleted.TaskScheduledId);
                break;
            case EventCase.SubOrchestrationInstanceFailed:
                SubOrchestrations.Remove(item.SubOrchestrationInstanceFailed.TaskScheduledId);
                break;
            default:
                break;
        }
    }

    /// <summary>Whether an arrival outlives the execution that it arrived in.</summary>
    public static bool Survives(HistoryEvent item)
        => item.EventTypeCase is EventCase.EventRaised or EventCase.ExecutionSuspended or EventCase.ExecutionResumed;
}

/// <summary>A turn that a worker has.</summary>
/// <param name="Token">Names this delivery.</param>
/// <param name="Started">The event that starts the turn.</param>
/// <param name="Arrivals">How many arrivals it shows the worker.</param>
/// <param name="Worker">Who has it.</param>
internal sealed record Turn(string Token, HistoryEvent Started, int Arrivals, WorkerConnection Worker)
{
    /// <summary>When the worker got it (UTC).</summary>
    public DateTime At => WireTime.Of(Started.Timestamp);

    /// <summary>What has come of a completion that comes in chunks.</summary>
    public TurnChunks Chunks { get; } = new();
}

/// <summary>An activity that was scheduled and has no durable result.</summary>
internal sealed class PendingActivity(LiveInstance instance, HistoryEvent scheduled)
{
    public LiveInstance Instance { get; } = instance;

    public int TaskId { get; } = scheduled.EventId;

    public TaskScheduledEvent Scheduled { get; } = scheduled.TaskScheduled;

    /// <summary>The execution that scheduled it: a result for an earlier execution is stale.</summary>
    public string ExecutionId { get; } = instance.State.ExecutionId ?? string.Empty;

    /// <summary>Who has it; null while it waits.</summary>
    public WorkerConnection? Worker { get; set; }

    /// <summary>How often it was delivered.</summary>
    public int Deliveries { get; private set; }

    /// <summary>It was delivered in vain too often and waits for a person.</summary>
    public bool IsParked { get; set; }

    /// <summary>It gets another chance.</summary>
    public void Revive() => (IsParked, Deliveries, Abandonments) = (false, 0, default);

    /// <summary>Times that workers gave it back; deliveries that ended so are not counted.</summary>
    public Abandonments Abandonments { get; private set; }

    /// <summary>A worker gave it back.</summary>
    public void Abandon(DateTime now) => (Deliveries, Abandonments) = (Deliveries - 1, Abandonments.Again(now));

    /// <summary>The commit of its result, once there is one.</summary>
    public Task? Result { get; set; }

    /// <summary>Still wanted: neither done nor of a past execution or a finished instance.</summary>
    public bool IsWanted => Result is null && !Instance.Ended && ExecutionId == Instance.State.ExecutionId && Instance.Activities.TryGetValue(TaskId, out var current) && current == this;

    /// <summary>Names the last delivery, and says what it is for; empty before the first.</summary>
    public string Token { get; private set; } = string.Empty;

    /// <summary>It is given to a worker.</summary>
    public void Deliver(WorkerConnection worker, long nonce)
    {
        Deliveries++;
        Worker = worker;
        Token = $"a:{Instance.Partition}:{Instance.Key}:{TaskId}:{nonce}:{ExecutionId}";
    }

    /// <summary>A worker has it still from a delivery of before.</summary>
    public void Continue(WorkerConnection worker, string token) => (Worker, Token) = (worker, token);
}
