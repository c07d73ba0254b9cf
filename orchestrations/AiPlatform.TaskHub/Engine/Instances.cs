using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Live instances: how they come to be, what arrives at them, their timers, and that they leave the memory. Guarded by the engine's lock.</summary>
internal sealed class Instances(EngineContext context, TurnDelivery turns)
{
    public static readonly OrchestrationStatus[] FinishedStatuses =
    [
        OrchestrationStatus.Completed, OrchestrationStatus.Failed, OrchestrationStatus.Terminated, OrchestrationStatus.Canceled,
    ];

    /// <summary>
    /// Makes an instance: it is known at once, so that no second one can be made, and lives when the commit is durable.
    /// Called under the lock.
    /// </summary>
    public LiveInstance Create(Commit commit, HubState hub, ExecutionStartedEvent started, long? parentKey, IReadOnlyCollection<OrchestrationStatus> replaceable)
    {
        var now = Timestamp.FromDateTime(context.Now);
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
        var instance = new LiveInstance(hub, context.NextKey(), state) { Input = started.Input, Parent = started.ParentInstance, NextSeq = 1 };
        context.ByKey[instance.Key] = instance;
        hub.Instances[id] = instance;
        var first = new HistoryChunk { Events = { new HistoryEvent { EventId = -1, Timestamp = now, ExecutionStarted = started } } };
        commit.Inserts.Add(new InstanceInsert(instance.Key, hub.Id, parentKey, state.Clone(), started.Input, replaceable));
        commit.Log.Add(new LogRow(instance.Key, 0, LogKind.Start, 0, first.ToByteArray()));
        commit.Apply += () =>
        {
            instance.FoldStart(0, first.Events, 0);
            turns.Activate(instance);
        };
        commit.Refuse += () => Forget(instance);
        return instance;
    }

    /// <summary>Adds an event to an instance's log; when durable it arrives. Called under the lock.</summary>
    public void Append(Commit commit, LiveInstance instance, HistoryEvent item)
    {
        var seq = instance.NextSeq++;
        commit.Log.Add(new LogRow(instance.Key, seq, LogKind.Event, 0, item.ToByteArray()));
        commit.Apply += () =>
        {
            instance.FoldArrival(seq, item);
            turns.Activate(instance);
        };
    }

    /// <summary>Adds the visible state as it is now. Called under the lock.</summary>
    public static void Snapshot(Commit commit, LiveInstance instance, bool newInput = false)
        => commit.Updates.Add(new InstanceUpdate(instance.Key, instance.State.Clone(), newInput, newInput ? instance.Input : null));

    /// <summary>Something has happened to it. Called under the lock.</summary>
    public void Touch(LiveInstance instance) => instance.State.LastUpdatedTimestamp = Timestamp.FromDateTime(context.Now);

    /// <summary>Takes it out of the memory. Called under the lock.</summary>
    public void Forget(LiveInstance instance)
    {
        Disarm(instance);
        context.ByKey.Remove(instance.Key);
        if (instance.Hub.Instances.TryGetValue(instance.Id, out var current) && current == instance)
        {
            instance.Hub.Instances.Remove(instance.Id);
        }
    }

    /// <summary>Lets go on who waits.</summary>
    public static void Release(List<TaskCompletionSource> waiters)
    {
        foreach (var waiter in waiters)
        {
            waiter.TrySetResult();
        }

        waiters.Clear();
    }

    /// <summary>Arms all its timers that have not fired. Called under the lock.</summary>
    public void ArmAll(LiveInstance instance)
    {
        foreach (var (id, fireAt) in instance.Timers)
        {
            Arm(instance, id, fireAt);
        }
    }

    /// <summary>When the time has come, that is an event of the instance. Called under the lock.</summary>
    public void Arm(LiveInstance instance, int timerId, DateTime fireAt)
    {
        var execution = instance.State.ExecutionId;
        instance.Armed[timerId] = context.Deadlines.Add(fireAt, () =>
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
                Timestamp = Timestamp.FromDateTime(context.Now),
                TimerFired = new() { TimerId = timerId, FireAt = Timestamp.FromDateTime(fireAt) },
            });
            _ = context.Write(commit, instance);
        });
    }

    /// <summary>Timers of an execution that is over are not waited for.</summary>
    public void Disarm(LiveInstance instance)
    {
        foreach (var deadline in instance.Armed.Values)
        {
            context.Deadlines.Cancel(deadline);
        }

        instance.Armed.Clear();
    }
}
