using System.Globalization;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ActionCase = AiPlatform.TaskHub.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <content>Results of orchestrator turns.</content>
internal sealed partial class HubEngine
{
    private static readonly OrchestrationStatus[] FinishedStatuses =
    [
        OrchestrationStatus.Completed, OrchestrationStatus.Failed, OrchestrationStatus.Terminated, OrchestrationStatus.Canceled,
    ];

    /// <summary>
    /// Records a turn: the events it consumed, the events of its actions, and all that they cause, in one commit.
    /// </summary>
    /// <exception cref="StaleTokenException">The turn is no longer this delivery's.</exception>
    public Task CompleteTurnAsync(OrchestratorResponse response)
    {
        lock (_gate)
        {
            if (_recent.Find(response.CompletionToken) is { } earlier)
            {
                return earlier;
            }

            var instance = FindTurn(response.CompletionToken);
            var turn = instance.Turn!;
            if (response.RequiresHistory)
            {
                // A worker that cannot go on without the history gets it.
                turn.Worker.Turns.Remove(instance);
                instance.Turn = null;
                EnqueueTurn(instance);
                Pump(instance.Hub);
                return Task.CompletedTask;
            }

            if (!turn.Chunks.Add(response))
            {
                return Task.CompletedTask;
            }

            if (Refusal(turn.Chunks) is { } refusal)
            {
                // Refusing the completion would leave the instance running for ever; its failure says why.
                turn.Chunks.Actions.Clear();
                turn.Chunks.Actions.Add(refusal);
            }

            var task = Commit(instance, turn);
            _recent.Add(response.CompletionToken, task);
            Metrics.TurnsCompleted.Inc();
            Pump(instance.Hub);
            return task;
        }
    }

    /// <summary>A worker gives a turn back; another delivery follows after a wait that grows.</summary>
    public void AbandonTurn(string token)
    {
        lock (_gate)
        {
            var instance = FindTurn(token);
            Metrics.Abandoned.Inc();
            instance.Abandonments = instance.Abandonments.Again(Now);
            TakeBack(instance, onPurpose: true);
            Pump(instance.Hub);
        }
    }

    private LiveInstance FindTurn(string token)
    {
        Span<Range> parts = stackalloc Range[5];
        return token.AsSpan().Split(parts, ':') == 4
            && long.TryParse(token.AsSpan()[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            && _byKey.TryGetValue(key, out var instance)
            && instance is { Stage: TurnStage.Dispatched, Ended: false, Turn: { } turn }
            && turn.Token == token
                ? instance
                : throw new StaleTokenException();
    }

    private Task Commit(LiveInstance instance, Turn turn)
    {
        turn.Worker.Turns.Remove(instance);
        instance.Stage = TurnStage.Committing;
        instance.FailedDeliveries = 0;
        instance.Abandonments = default;

        // The worker counts the event that starts the turn, too.
        var consumed = turn.Chunks.NumEventsProcessed is { } processed ? Math.Clamp(processed - 1, 0, turn.Arrivals) : turn.Arrivals;
        var now = Timestamp.FromDateTime(Now);
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
                    record.Events.Add(Scheduled(action, now));
                    break;
                case ActionCase.CreateTimer:
                    record.Events.Add(new HistoryEvent { EventId = action.Id, Timestamp = now, TimerCreated = new() { FireAt = action.CreateTimer.FireAt } });
                    timers.Add((action.Id, WireTime.Of(action.CreateTimer.FireAt)));
                    break;
                case ActionCase.CreateSubOrchestration:
                    record.Events.Add(StartSubOrchestration(instance, action, messages, now));
                    break;
                case ActionCase.SendEvent:
                    record.Events.Add(SendEvent(instance, action, messages, now));
                    break;
                case ActionCase.TerminateOrchestration:
                    var ending = action.TerminateOrchestration;
                    if (ending.InstanceId != instance.Id)
                    {
                        messages.Add(new(ending.InstanceId, NewEvent(item => item.ExecutionTerminated = new() { Input = ending.Reason, Recurse = ending.Recurse })));
                    }

                    break;
                case ActionCase.SendEntityMessage:
                    record.Events.Add(SendToEntity(instance, action, messages, now));
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
            Rewrite(commit, instance, history, rewound.NewHistory.LastOrDefault(item => item.ExecutionRewound is not null)?.ExecutionRewound.Reason);
            return Write(commit, instance);
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
                    EnqueueActivity(instance.Activities[item.EventId]);
                }
            }

            foreach (var (id, fireAt) in timers)
            {
                ArmTimer(instance, id, fireAt);
            }

            Release(instance.StartWaiters);
            instance.Stage = TurnStage.Idle;
            Activate(instance);
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
            Deliver(commit, instance.Hub, message);
        }

        if (end is not null)
        {
            End(commit, instance, end);
        }
        else if (wasPending || statusChanged)
        {
            Snapshot(commit, instance);
        }

        return Write(commit, instance);
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
        Snapshot(commit, instance, newInput: true);
        var seq = instance.NextSeq++;
        commit.Trims.Add(new LogTrim(instance.Key, seq, lastConsumed));
        commit.Log.Add(new LogRow(instance.Key, seq, LogKind.Start, 0, first.ToByteArray()));
        foreach (var message in messages)
        {
            Deliver(commit, instance.Hub, message);
        }

        ReleaseLocks(commit, instance);
        commit.Apply += () =>
        {
            if (instance.Ended)
            {
                return;
            }

            Disarm(instance);
            instance.FoldStart(seq, first.Events, consumed);
            Release(instance.StartWaiters);
            instance.Stage = TurnStage.Idle;
            Activate(instance);
        };
        return Write(commit, instance);
    }

    private static HistoryEvent Scheduled(OrchestratorAction action, Timestamp now) => new()
    {
        EventId = action.Id,
        Timestamp = now,
        TaskScheduled = new()
        {
            Name = action.ScheduleTask.Name,
            Version = action.ScheduleTask.Version,
            Input = action.ScheduleTask.Input,
            ParentTraceContext = action.ScheduleTask.ParentTraceContext,
            Tags = { action.ScheduleTask.Tags },
        },
    };

    private static HistoryEvent StartSubOrchestration(LiveInstance parent, OrchestratorAction action, List<Envelope> messages, Timestamp now)
    {
        var wanted = action.CreateSubOrchestration;
        var id = string.IsNullOrEmpty(wanted.InstanceId) ? $"{parent.State.ExecutionId}:{action.Id:x4}" : wanted.InstanceId;
        var started = new ExecutionStartedEvent
        {
            Name = wanted.Name,
            Version = wanted.Version,
            Input = wanted.Input,
            OrchestrationInstance = new() { InstanceId = id, ExecutionId = Guid.NewGuid().ToString("N") },
            ParentInstance = new()
            {
                TaskScheduledId = action.Id,
                Name = parent.State.Name,
                Version = parent.State.Version,
                OrchestrationInstance = new() { InstanceId = parent.Id, ExecutionId = parent.State.ExecutionId },
            },
            ParentTraceContext = wanted.ParentTraceContext,
            Tags = { wanted.Tags },
        };
        messages.Add(new(id, new HistoryEvent { EventId = -1, Timestamp = now, ExecutionStarted = started }, SenderKey: parent.Key));
        return new HistoryEvent
        {
            EventId = action.Id,
            Timestamp = now,
            SubOrchestrationInstanceCreated = new()
            {
                InstanceId = id,
                Name = wanted.Name,
                Version = wanted.Version,
                Input = wanted.Input,
                ParentTraceContext = wanted.ParentTraceContext,
                Tags = { wanted.Tags },
            },
        };
    }

    /// <summary>What a turn becomes that cannot be carried out; null for all others.</summary>
    private static OrchestratorAction? Refusal(TurnChunks turn)
        => turn.IsTooLarge ? Failure(0, "TurnTooLarge", "The orchestrator asked for more in one turn than this task hub keeps.")
            : turn.Actions.FirstOrDefault(action => !IsSupported(action)) is not { } unknown ? null
            : unknown.SendEvent is { } sent
                ? Failure(unknown.Id, "UnsupportedEntityMessage", $"The event '{sent.Name}' to '{sent.Instance?.InstanceId}' is none that an entity takes.")
                : Failure(unknown.Id, "UnsupportedAction", $"This task hub does not carry out the action {unknown.OrchestratorActionTypeCase}.");

    private static OrchestratorAction Failure(int id, string type, string message) => new()
    {
        Id = id,
        CompleteOrchestration = new()
        {
            OrchestrationStatus = OrchestrationStatus.Failed,
            FailureDetails = new() { ErrorType = type, ErrorMessage = message, IsNonRetriable = true },
        },
    };

    private static HistoryEvent SendEvent(LiveInstance sender, OrchestratorAction action, List<Envelope> messages, Timestamp now)
    {
        var send = action.SendEvent;
        var id = send.Instance.InstanceId;
        messages.Add(LegacyEntityMessage.Read(id, send.Name, send.Data) is { } toEntity
            ? ToEntity(sender, toEntity, now)
            : new(id, new HistoryEvent { EventId = -1, Timestamp = now, EventRaised = new() { Name = send.Name, Input = send.Data } }));
        return new HistoryEvent { EventId = action.Id, Timestamp = now, EventSent = new() { InstanceId = id, Name = send.Name, Input = send.Data } };
    }
}
