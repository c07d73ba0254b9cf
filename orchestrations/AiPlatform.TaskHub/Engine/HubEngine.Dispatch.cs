using AiPlatform.TaskHub.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <content>Workers, and which work they get.</content>
internal sealed partial class HubEngine
{
    // Above this a worker that can is asked to stream the history, so that no message grows without bound.
    private const int MaxInlineEvents = 5000;
    private const int MaxInlineBytes = 2 * 1024 * 1024;

    private static readonly TimeSpan LeaseSweep = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxRedeliveryDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxAbandonDelay = TimeSpan.FromSeconds(2);

    /// <summary>A worker connects.</summary>
    public WorkerConnection Connect(HubState hub, GetWorkItemsRequest request)
    {
        var worker = new WorkerConnection(hub, request, _options.DefaultWorkerConcurrency);
        lock (_gate)
        {
            RequireThere(hub);
            hub.Workers.Add(worker);
            Pump(hub);
        }

        return worker;
    }

    /// <summary>
    /// A worker's stream ended. Its turns go to others at once: they are short and repeatable. Its activities may still be running,
    /// and may still report; they are delivered again after a grace.
    /// </summary>
    public void Disconnect(WorkerConnection worker)
    {
        lock (_gate)
        {
            worker.Close();
            worker.Hub.Workers.Remove(worker);
            ForgetElsewhere(worker);
            foreach (var instance in worker.Turns.ToArray())
            {
                TakeBack(instance);
            }

            foreach (var entity in worker.Entities.ToArray())
            {
                TakeBack(entity);
            }

            foreach (var activity in worker.Activities.Where(activity => !activity.IsWanted))
            {
                _leased.Remove(activity.Token);
            }

            var lost = worker.Activities.Where(activity => activity.IsWanted).ToArray();
            if (lost.Length > 0)
            {
                Metrics.LeasesLost.Inc(lost.Length);
                _deadlines.Add(Now + _options.ActivityLeaseGrace, () =>
                {
                    foreach (var activity in lost.Where(activity => activity.IsWanted && activity.Worker == worker))
                    {
                        EnqueueActivity(activity);
                    }
                });
            }

            Pump(worker.Hub);
        }
    }

    /// <summary>If something waits for an instance and nothing holds it back, it gets a turn. Called under the lock.</summary>
    private void Activate(LiveInstance instance)
    {
        if (instance.Stage != TurnStage.Idle || instance.Inbox.Count == 0 || instance.Ended || instance.IsSuspended)
        {
            return;
        }

        if (instance.History.Count == 0 && instance.State.ScheduledStartTimestamp is { } scheduled && WireTime.Of(scheduled) is var start && start > Now)
        {
            _deadlines.Add(start, () => Activate(instance));
            return;
        }

        EnqueueTurn(instance);
    }

    private static void EnqueueTurn(LiveInstance instance)
    {
        instance.Stage = TurnStage.Ready;
        if (instance.Hub.Parked.Count > 0 && instance.Hub.Parked.ContainsKey((instance.Id, Storage.ParkedRow.Whole)))
        {
            instance.FailedDeliveries = Math.Max(1, instance.FailedDeliveries);
            return;
        }

        instance.Hub.Turns.Enqueue(instance.State.Name, instance.State.Version, instance);
    }

    private void EnqueueActivity(PendingActivity activity)
    {
        activity.Worker?.Activities.Remove(activity);
        activity.Worker = null;
        _leased.Remove(activity.Token);
        if (activity.Instance.Hub.Parked.ContainsKey((activity.Instance.Id, activity.TaskId)) || ParkIfPoison(activity))
        {
            activity.IsParked = true;
            return;
        }

        activity.Instance.Hub.Activities.Enqueue(activity.Scheduled.Name, activity.Scheduled.Version, activity);
    }

    private void PumpAll()
    {
        foreach (var hub in _hubs.Values)
        {
            Pump(hub);
        }
    }

    /// <summary>Gives waiting work to workers with room, one item each in turn. Called under the lock.</summary>
    private void Pump(HubState hub)
    {
        for (var served = true; served && hub.Turns.Count + hub.Activities.Count + hub.Batches.Count > 0;)
        {
            served = false;
            for (var count = hub.Workers.Count; count > 0; count--)
            {
                hub.NextWorker = (hub.NextWorker + 1) % hub.Workers.Count;
                var worker = hub.Workers[hub.NextWorker];
                served |= ServeTurn(worker) | ServeActivity(worker) | ServeBatch(worker);
            }
        }
    }

    private bool ServeTurn(WorkerConnection worker)
    {
        while (worker.HasTurnSlot && worker.Hub.Turns.TryDequeue(worker.OrchestrationFilter, out var instance))
        {
            if (instance.Stage == TurnStage.Ready && !instance.Ended)
            {
                if (instance.IsSuspended)
                {
                    instance.Stage = TurnStage.Idle;
                    continue;
                }

                Dispatch(worker, instance);
                return true;
            }
        }

        return false;
    }

    private bool ServeActivity(WorkerConnection worker)
    {
        while (worker.HasActivitySlot && worker.Hub.Activities.TryDequeue(worker.ActivityFilter, out var activity))
        {
            if (activity.IsWanted && activity.Worker is null)
            {
                Dispatch(worker, activity);
                return true;
            }
        }

        return false;
    }

    private void Dispatch(WorkerConnection worker, LiveInstance instance)
    {
        var started = new HistoryEvent { EventId = -1, Timestamp = Timestamp.FromDateTime(Now), OrchestratorStarted = new() };
        var turn = new Turn($"o:{instance.Partition}:{instance.Key}:{++_lastNonce}", started, instance.Inbox.Count, worker);
        var request = new OrchestratorRequest
        {
            InstanceId = instance.Id,
            ExecutionId = instance.State.ExecutionId,
            EntityParameters = new() { EntityMessageReorderWindow = Duration.FromTimeSpan(TimeSpan.Zero) },
            NewEvents = { started },
            OrchestrationTraceContext = instance.TraceContext,
        };
        foreach (var arrival in instance.Inbox)
        {
            request.NewEvents.Add(arrival.Event);
        }

        if ((instance.History.Count > MaxInlineEvents || instance.HistoryBytes > MaxInlineBytes) && worker.StreamsHistory)
        {
            request.RequiresHistoryStreaming = true;
        }
        else
        {
            request.PastEvents.AddRange(instance.History);
        }

        instance.Turn = turn;
        instance.Stage = TurnStage.Dispatched;
        worker.Turns.Add(instance);
        worker.Send(new WorkItem { OrchestratorRequest = request, CompletionToken = turn.Token });
        Metrics.ReplayEvents.Observe(request.RequiresHistoryStreaming ? instance.History.Count : request.PastEvents.Count);
        Metrics.TurnsSent.Inc();
    }

    private void Dispatch(WorkerConnection worker, PendingActivity activity)
    {
        activity.Deliver(worker, ++_lastNonce);
        worker.Activities.Add(activity);
        var instance = activity.Instance;
        worker.Send(new WorkItem
        {
            ActivityRequest = new()
            {
                Name = activity.Scheduled.Name,
                Version = activity.Scheduled.Version,
                Input = activity.Scheduled.Input,
                OrchestrationInstance = new() { InstanceId = instance.Id, ExecutionId = activity.ExecutionId },
                TaskId = activity.TaskId,
                ParentTraceContext = activity.Scheduled.ParentTraceContext,
                Tags = { activity.Scheduled.Tags },
            },
            CompletionToken = activity.Token,
        });
        _leased[activity.Token] = activity;
        Metrics.ActivitiesSent.Inc();
    }

    /// <summary>Takes a turn from its worker; the next delivery has another token. Called under the lock.</summary>
    private void TakeBack(LiveInstance instance, bool onPurpose = false)
    {
        var turn = instance.Turn;
        turn?.Worker.Turns.Remove(instance);
        if (turn is null || instance.Stage != TurnStage.Dispatched)
        {
            return;
        }

        Metrics.LeasesLost.Inc();
        instance.Turn = null;
        instance.Stage = TurnStage.Ready;
        instance.FailedDeliveries += onPurpose ? 0 : 1;
        if (ParkIfPoison(instance.Hub, instance.Id, instance.FailedDeliveries, instance.Abandonments))
        {
            // Marks that it waits here for a person.
            instance.FailedDeliveries = Math.Max(1, instance.FailedDeliveries);
            return;
        }

        if (!onPurpose && instance.FailedDeliveries == 1)
        {
            EnqueueTurn(instance);
            return;
        }

        _deadlines.Add(Now + (onPurpose ? AbandonDelay(instance.Abandonments) : RedeliveryDelay(instance.FailedDeliveries)), () =>
        {
            if (instance.Stage == TurnStage.Ready && !instance.Ended)
            {
                EnqueueTurn(instance);
            }
        });
    }

    private static TimeSpan RedeliveryDelay(int failures)
        => TimeSpan.FromMilliseconds(Math.Min(MaxRedeliveryDelay.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(failures, 16))));

    // Another worker may want at once what this one gives back: the wait stays short.
    private static TimeSpan AbandonDelay(Abandonments abandonments)
        => TimeSpan.FromMilliseconds(Math.Min(MaxAbandonDelay.TotalMilliseconds, RedeliveryDelay(abandonments.Count).TotalMilliseconds));

    /// <summary>A worker whose stream lives but which never answers loses its turns in the end. Called under the lock.</summary>
    private void SweepLeases()
    {
        var before = Now - _options.TurnLease;
        foreach (var worker in _hubs.Values.SelectMany(hub => hub.Workers))
        {
            foreach (var instance in worker.Turns.Where(instance => instance.Turn is { } turn && turn.At < before).ToArray())
            {
                TakeBack(instance);
            }

            foreach (var entity in worker.Entities.Where(entity => entity.Batch is { } batch && batch.At < before).ToArray())
            {
                TakeBack(entity);
            }
        }

        _deadlines.Add(Now + LeaseSweep, SweepLeases);
    }
}
