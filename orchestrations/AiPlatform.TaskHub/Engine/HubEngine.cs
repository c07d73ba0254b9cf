using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// The hub while this process owns it. Decisions are made in memory under one lock and handed to the writer; what follows from
/// them (dispatch, answers) happens when they are durable. Nothing here polls, and nothing hot reads the database.
/// </summary>
internal sealed partial class HubEngine : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, LiveInstance> _byKey = [];
    private readonly Dictionary<string, HubState> _hubs = new(StringComparer.OrdinalIgnoreCase);
    private readonly RecentCompletions _recent = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource<Exception> _faulted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskHubOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HubReader _reader;
    private readonly HubOwner _owner;
    private readonly CommitWriter _writer;
    private readonly DeadlineQueue _deadlines;
    private long _lastKey;
    private long _lastNonce;

    /// <summary>Takes the right to write and the shared parts.</summary>
    public HubEngine(HubOwner owner, HubReader reader, TaskHubOptions options, TimeProvider time, ILogger logger)
    {
        _owner = owner;
        _reader = reader;
        _options = options;
        Stopped = _stopped.Token;

        // No token and no key of another owner, earlier or beside us, equals one of ours.
        _lastNonce = owner.Epoch << 32;
        _lastKey = owner.Epoch << 32;
        _time = time;
        _logger = logger;
        _deadlines = new DeadlineQueue(time, _gate, PumpAll);
        _writer = new CommitWriter(owner, _gate, PumpAll, exception => _faulted.TrySetResult(exception), logger);
        lock (_gate)
        {
            SweepLeases();
        }
    }

    /// <summary>Ends when this process can no longer act as owner; the reason is its result.</summary>
    public Task<Exception> Faulted => _faulted.Task;

    /// <summary>Is cancelled when the engine stops.</summary>
    public CancellationToken Stopped { get; }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>Ends the long calls, so that a stopping server need not wait for them; others are still served.</summary>
    public void Drain() => _stopped.Cancel();

    /// <summary>Closes the workers' streams, writes what has been decided, and gives ownership back.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _deadlines.Dispose();
            foreach (var worker in _hubs.Values.SelectMany(hub => hub.Workers))
            {
                worker.Close();
            }
        }

        await _stopped.CancelAsync();
        var written = _writer.DisposeAsync().AsTask();
        if (await Task.WhenAny(written, Task.Delay(_options.ShutdownGrace, CancellationToken.None)) != written)
        {
            _writer.Abort();
        }

        await written;
        await _owner.DisposeAsync();
        _stopped.Dispose();
    }

    /// <summary>Hands a decision to the writer. Called under the lock.</summary>
    private Task Write(Commit commit, params ReadOnlySpan<LiveInstance> changed)
    {
        var task = _writer.AddAsync(commit);
        foreach (var instance in changed)
        {
            instance.LastCommit = task;
        }

        return task;
    }

    /// <summary>Adds an event to an instance's log; when durable it arrives. Called under the lock.</summary>
    private void Append(Commit commit, LiveInstance instance, HistoryEvent item)
    {
        var seq = instance.NextSeq++;
        commit.Log.Add(new LogRow(instance.Key, seq, LogKind.Event, 0, item.ToByteArray()));
        commit.Apply += () =>
        {
            instance.FoldArrival(seq, item);
            Activate(instance);
        };
    }

    /// <summary>Adds the visible state as it is now. Called under the lock.</summary>
    private static void Snapshot(Commit commit, LiveInstance instance, bool newInput = false)
        => commit.Updates.Add(new InstanceUpdate(instance.Key, instance.State.Clone(), newInput, newInput ? instance.Input : null));

    /// <summary>
    /// Makes an instance: it is known at once, so that no second one can be made, and lives when the commit is durable.
    /// Called under the lock.
    /// </summary>
    private LiveInstance Create(Commit commit, HubState hub, ExecutionStartedEvent started, long? parentKey, IReadOnlyCollection<OrchestrationStatus> replaceable)
    {
        var now = Timestamp.FromDateTime(Now);
        var id = started.OrchestrationInstance.InstanceId;
        var state = new OrchestrationState
        {
            InstanceId = id,
            Name = started.Name,
            Version = started.Version,
            OrchestrationStatus = OrchestrationStatus.Pending,
            ScheduledStartTimestamp = started.ScheduledStartTimestamp,
            CreatedTimestamp = now,
            LastUpdatedTimestamp = now,
            ExecutionId = started.OrchestrationInstance.ExecutionId,
            ParentInstanceId = started.ParentInstance?.OrchestrationInstance.InstanceId,
            Tags = { started.Tags },
        };
        var instance = new LiveInstance(hub, ++_lastKey, state) { Input = started.Input, Parent = started.ParentInstance, NextSeq = 1 };
        _byKey[instance.Key] = instance;
        hub.Instances[id] = instance;
        var first = new HistoryChunk { Events = { new HistoryEvent { EventId = -1, Timestamp = now, ExecutionStarted = started } } };
        commit.Inserts.Add(new InstanceInsert(instance.Key, hub.Id, parentKey, state.Clone(), started.Input, replaceable));
        commit.Log.Add(new LogRow(instance.Key, 0, LogKind.Start, 0, first.ToByteArray()));
        commit.Apply += () =>
        {
            instance.FoldStart(0, first.Events, 0);
            Activate(instance);
        };
        commit.Refuse += () => Forget(instance);
        return instance;
    }

    /// <summary>
    /// Decides the end of an instance: its status, the message to its parent, and that it leaves the memory. Called under the lock.
    /// </summary>
    private void End(Commit commit, LiveInstance instance, CompleteOrchestrationAction result)
    {
        var now = Timestamp.FromDateTime(Now);
        instance.Ended = true;
        instance.State.OrchestrationStatus = result.OrchestrationStatus;
        instance.State.Output = result.Result;
        instance.State.FailureDetails = result.FailureDetails;
        instance.State.LastUpdatedTimestamp = now;
        instance.State.CompletedTimestamp = now;
        Snapshot(commit, instance);
        if (Unpark(instance.Hub, instance.Id))
        {
            commit.Unparked = (instance.Hub.Id, instance.Id);
        }

        NotifyParent(commit, instance, result);
        ReleaseLocks(commit, instance);
        commit.Apply += () =>
        {
            Forget(instance);
            Release(instance.StartWaiters);
            Release(instance.EndWaiters);
            Metrics.Ended(instance.State.OrchestrationStatus);
        };
    }

    private void Forget(LiveInstance instance)
    {
        Disarm(instance);
        _byKey.Remove(instance.Key);
        if (instance.Hub.Instances.TryGetValue(instance.Id, out var current) && current == instance)
        {
            instance.Hub.Instances.Remove(instance.Id);
        }
    }

    private static void Release(List<TaskCompletionSource> waiters)
    {
        foreach (var waiter in waiters)
        {
            waiter.TrySetResult();
        }

        waiters.Clear();
    }

    private void ArmTimer(LiveInstance instance, int timerId, DateTime fireAt)
    {
        var execution = instance.State.ExecutionId;
        instance.Armed[timerId] = _deadlines.Add(fireAt, () =>
        {
            instance.Armed.Remove(timerId);
            if (instance.Ended || instance.State.ExecutionId != execution || !instance.Timers.ContainsKey(timerId))
            {
                return;
            }

            var commit = new Commit();
            Append(commit, instance, new HistoryEvent
            {
                EventId = -1,
                Timestamp = Timestamp.FromDateTime(Now),
                TimerFired = new() { TimerId = timerId, FireAt = Timestamp.FromDateTime(fireAt) },
            });
            _ = Write(commit, instance);
        });
    }

    /// <summary>Timers of an execution that is over are not waited for.</summary>
    private void Disarm(LiveInstance instance)
    {
        foreach (var deadline in instance.Armed.Values)
        {
            _deadlines.Cancel(deadline);
        }

        instance.Armed.Clear();
    }
}
