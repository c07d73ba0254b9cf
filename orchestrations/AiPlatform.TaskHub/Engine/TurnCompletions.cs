using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ActionCase = AiPlatform.TaskHub.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Results of orchestrators' turns.</summary>
internal sealed class TurnCompletions(
    EngineContext context, TurnDelivery turns, ActivityDelivery activities, Instances instances, Endings endings, MessageRouter router,
    Rewinding rewinding, Workers workers)
{
    /// <summary>
    /// Records a turn: the events it consumed, the events of its actions, and all that they cause, in one commit.
    /// </summary>
    /// <exception cref="StaleTokenException">The turn is no longer this delivery's.</exception>
    public Task CompleteAsync(OrchestratorResponse response)
    {
        lock (context.Gate)
        {
            if (context.Recent.Find(response.CompletionToken) is { } earlier)
            {
                return earlier;
            }

            var instance = turns.Find(response.CompletionToken);
            var turn = instance.Turn!;
            if (response.RequiresHistory)
            {
                // A worker that cannot go on without the history gets it.
                turn.Worker.Turns.Remove(instance);
                instance.Turn = null;
                TurnDelivery.Enqueue(instance);
                workers.Pump(instance.Hub);
                return Task.CompletedTask;
            }

            if (!turn.Chunks.Add(response))
            {
                return Task.CompletedTask;
            }

            if (TurnActions.Refusal(turn.Chunks) is { } refusal)
            {
                // Refusing the completion would leave the instance running for ever; its failure says why.
                turn.Chunks.Actions.Clear();
                turn.Chunks.Actions.Add(refusal);
            }

            var task = Commit(instance, turn);
            context.Recent.Add(response.CompletionToken, task);
            Metrics.TurnsCompleted.Inc();
            workers.Pump(instance.Hub);
            return task;
        }
    }

    /// <summary>A worker gives a turn back; another delivery follows after a wait that grows.</summary>
    public void Abandon(string token)
    {
        lock (context.Gate)
        {
            var instance = turns.Find(token);
            Metrics.Abandoned.Inc();
            instance.Abandonments = instance.Abandonments.Again(context.Now);
            turns.TakeBack(instance, onPurpose: true);
            workers.Pump(instance.Hub);
        }
    }

    private Task Commit(LiveInstance instance, Turn turn)
    {
        turn.Worker.Turns.Remove(instance);
        instance.Stage = TurnStage.Committing;
        instance.FailedDeliveries = 0;
        instance.Abandonments = default;

        // The worker counts the event that starts the turn, too.
        var consumed = turn.Chunks.NumEventsProcessed is { } processed ? Math.Clamp(processed - 1, 0, turn.Arrivals) : turn.Arrivals;
        var now = Timestamp.FromDateTime(context.Now);
        var commit = new Commit();
        var record = new HistoryChunk { Events = { turn.Started }, OrchestrationTraceContext = turn.Chunks.TraceContext };
        var timers = new List<(int Id, DateTime FireAt)>();
        var messages = new List<Envelope>();
        CompleteOrchestrationAction? end = null;
        RewindOrchestrationAction? rewound = null;
        foreach (var action in turn.Chunks.Actions)
        {
            switch (action.OrchestratorActionTypeCase)
            {
                case ActionCase.ScheduleTask:
                    record.Events.Add(TurnActions.Scheduled(action, now));
                    break;
                case ActionCase.CreateTimer:
                    record.Events.Add(new HistoryEvent { EventId = action.Id, Timestamp = now, TimerCreated = new() { FireAt = action.CreateTimer.FireAt } });
                    timers.Add((action.Id, WireTime.Of(action.CreateTimer.FireAt)));
                    break;
                case ActionCase.CreateSubOrchestration:
                    record.Events.Add(TurnActions.StartSubOrchestration(instance, action, messages, now));
                    break;
                case ActionCase.SendEvent:
                    record.Events.Add(TurnActions.SendEvent(instance, action, messages, now));
                    break;
                case ActionCase.TerminateOrchestration:
                    var ending = action.TerminateOrchestration;
                    if (ending.InstanceId != instance.Id)
                    {
                        messages.Add(new(ending.InstanceId, context.NewEvent(item => item.ExecutionTerminated = new() { Input = ending.Reason, Recurse = ending.Recurse })));
                    }

                    break;
                case ActionCase.SendEntityMessage:
                    record.Events.Add(TurnActions.SendToEntity(instance, action, messages, now));
                    break;
                case ActionCase.RewindOrchestration:
                    rewound = action.RewindOrchestration;
                    break;
                case ActionCase.CompleteOrchestration:
                    end = action.CompleteOrchestration;
                    break;
                default:
                    throw new InvalidOperationException($"Unexpected action {action.OrchestratorActionTypeCase}.");
            }
        }

        foreach (var item in record.Events)
        {
            // Now, not when it is durable: whatever ends the instance meanwhile must give back the locks that are asked for here.
            LiveInstance.FoldLocks(instance.Locks, item);
        }

        if (rewound is not null)
        {
            // A worker that rewrites histories itself: the event that asked for it is added again, and starts the next turn.
            var history = rewound.NewHistory.Where(item => item.ExecutionRewound is null).ToList();
            commit.Log.Add(new LogRow(instance.Key, instance.NextSeq++, LogKind.Turn, consumed, record.ToByteArray()));
            commit.Apply += () => instance.FoldTurn(record, consumed);
            rewinding.Rewrite(commit, instance, history, rewound.NewHistory.LastOrDefault(item => item.ExecutionRewound is not null)?.ExecutionRewound.Reason);
            return context.Write(commit, instance);
        }

        return end is { OrchestrationStatus: OrchestrationStatus.ContinuedAsNew }
            ? ContinueAsNew(commit, instance, turn.Chunks, end, messages, consumed, now)
            : Proceed(commit, instance, turn.Chunks, record, timers, messages, end, consumed, now);
    }

    private Task Proceed(
        Commit commit, LiveInstance instance, TurnChunks response, HistoryChunk record, List<(int Id, DateTime FireAt)> timers,
        List<Envelope> messages, CompleteOrchestrationAction? end, int consumed, Timestamp now)
    {
        var wasPending = instance.State.OrchestrationStatus == OrchestrationStatus.Pending;
        var statusChanged = response.CustomStatus is not null && response.CustomStatus != instance.State.CustomStatus;
        if (statusChanged)
        {
            instance.State.CustomStatus = response.CustomStatus;
        }

        if (wasPending)
        {
            instance.State.OrchestrationStatus = OrchestrationStatus.Running;
        }

        instance.State.LastUpdatedTimestamp = now;
        if (end is not null)
        {
            record.Events.Add(new HistoryEvent
            {
                EventId = -1,
                Timestamp = now,
                ExecutionCompleted = new() { OrchestrationStatus = end.OrchestrationStatus, Result = end.Result, FailureDetails = end.FailureDetails },
            });
        }

        commit.Log.Add(new LogRow(instance.Key, instance.NextSeq++, LogKind.Turn, consumed, record.ToByteArray()));
        commit.Apply += () =>
        {
            instance.FoldTurn(record, consumed);
            if (instance.Ended)
            {
                return;
            }

            foreach (var item in record.Events)
            {
                if (item.TaskScheduled is not null)
                {
                    activities.Enqueue(instance.Activities[item.EventId]);
                }
            }

            foreach (var (id, fireAt) in timers)
            {
                instances.Arm(instance, id, fireAt);
            }

            Instances.Release(instance.StartWaiters);
            instance.Stage = TurnStage.Idle;
            turns.Activate(instance);
        };
        foreach (var item in record.Events)
        {
            if (item.SubOrchestrationInstanceCreated is { } child)
            {
                // Now, not when it is durable: a request that comes meanwhile to terminate them all must not miss this one.
                instance.SubOrchestrations[item.EventId] = child.InstanceId;
            }
        }

        foreach (var message in messages)
        {
            // After the turn's own row, so that a refusal follows the start in the log.
            router.Deliver(commit, instance.Hub, message);
        }

        if (end is not null)
        {
            endings.End(commit, instance, end);
        }
        else if (wasPending || statusChanged)
        {
            Instances.Snapshot(commit, instance);
        }

        return context.Write(commit, instance);
    }

    private Task ContinueAsNew(
        Commit commit, LiveInstance instance, TurnChunks response, CompleteOrchestrationAction end,
        List<Envelope> messages, int consumed, Timestamp now)
    {
        var started = instance.Started.Clone();
        started.Input = end.Result;
        started.Version = end.NewVersion ?? started.Version;
        started.ScheduledStartTimestamp = null;
        started.OrchestrationInstance = new() { InstanceId = instance.Id, ExecutionId = Guid.NewGuid().ToString("N") };

        var first = new HistoryChunk { Events = { new HistoryEvent { EventId = -1, Timestamp = now, ExecutionStarted = started } } };
        first.Events.AddRange(end.CarryoverEvents);

        // What came with the last start and was not consumed is carried over as well: its row goes.
        first.Events.AddRange(instance.Inbox.Skip(consumed).Where(arrival => arrival.FromStart && LiveInstance.Survives(arrival.Event)).Select(arrival => arrival.Event));
        var lastConsumed = instance.Inbox.Take(consumed).Where(arrival => !arrival.FromStart).Select(arrival => arrival.Seq).DefaultIfEmpty(instance.LastConsumedSeq).Last();

        instance.State.ExecutionId = started.OrchestrationInstance.ExecutionId;
        instance.State.Version = started.Version;
        instance.State.LastUpdatedTimestamp = now;
        instance.State.CustomStatus = response.CustomStatus ?? instance.State.CustomStatus;
        if (instance.State.OrchestrationStatus == OrchestrationStatus.Pending)
        {
            instance.State.OrchestrationStatus = OrchestrationStatus.Running;
        }

        instance.Input = started.Input;
        Instances.Snapshot(commit, instance, newInput: true);
        var seq = instance.NextSeq++;
        commit.Trims.Add(new LogTrim(instance.Key, seq, lastConsumed));
        commit.Log.Add(new LogRow(instance.Key, seq, LogKind.Start, 0, first.ToByteArray()));
        foreach (var message in messages)
        {
            router.Deliver(commit, instance.Hub, message);
        }

        endings.ReleaseLocks(commit, instance);
        commit.Apply += () =>
        {
            if (instance.Ended)
            {
                return;
            }

            instances.Disarm(instance);
            instance.FoldStart(seq, first.Events, consumed);
            Instances.Release(instance.StartWaiters);
            instance.Stage = TurnStage.Idle;
            turns.Activate(instance);
        };
        return context.Write(commit, instance);
    }
}
