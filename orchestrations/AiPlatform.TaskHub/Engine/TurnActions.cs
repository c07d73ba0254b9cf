using AiPlatform.TaskHub.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ActionCase = AiPlatform.TaskHub.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What orchestrators and entities may ask for, and what of it goes into the history and to others.</summary>
internal static class TurnActions
{
    /// <summary>Whether the hub can carry out an action.</summary>
    public static bool IsSupported(OrchestratorAction action) => action.OrchestratorActionTypeCase switch
    {
        ActionCase.None => false,
        ActionCase.CreateTimer => action.CreateTimer.FireAt is not null && WireTime.IsValid(action.CreateTimer.FireAt),
        ActionCase.CreateSubOrchestration => string.IsNullOrEmpty(action.CreateSubOrchestration.InstanceId) || InstanceIds.IsValid(action.CreateSubOrchestration.InstanceId),
        ActionCase.TerminateOrchestration => InstanceIds.IsValid(action.TerminateOrchestration.InstanceId),
        ActionCase.SendEvent => action.SendEvent.Instance is { } receiver && InstanceIds.IsValid(receiver.InstanceId)
            && (!EntityName.TryNormalize(receiver.InstanceId, out _) || LegacyEntityMessage.Read(receiver.InstanceId, action.SendEvent.Name, action.SendEvent.Data) is not null),
        ActionCase.SendEntityMessage when action.SendEntityMessage.EntityLockRequested is { } request
            => request.LockSet.Count > 0 && request.LockSet.All(IsEntity) && !request.CriticalSectionId.Contains('\0', StringComparison.Ordinal),
        ActionCase.SendEntityMessage => IsEntity(
            action.SendEntityMessage.EntityOperationSignaled?.TargetInstanceId ?? action.SendEntityMessage.EntityOperationCalled?.TargetInstanceId
                ?? action.SendEntityMessage.EntityUnlockSent?.TargetInstanceId),
        _ => true,
    };

    /// <summary>Whether the hub can carry out what an entity's operation asked for.</summary>
    public static bool IsSupported(OperationAction action) => action.OperationActionTypeCase switch
    {
        OperationAction.OperationActionTypeOneofCase.SendSignal => IsEntity(action.SendSignal.InstanceId),
        OperationAction.OperationActionTypeOneofCase.StartNewOrchestration
            => string.IsNullOrEmpty(action.StartNewOrchestration.InstanceId) || InstanceIds.IsValid(action.StartNewOrchestration.InstanceId),
        _ => true,
    };

    /// <summary>What a turn becomes that cannot be carried out; null for all others.</summary>
    public static OrchestratorAction? Refusal(TurnChunks turn)
        => turn.IsTooLarge ? Failure(0, "TurnTooLarge", "The orchestrator asked for more in one turn than this task hub keeps.")
            : turn.Actions.FirstOrDefault(action => !IsSupported(action)) is not { } unknown ? null
            : unknown.SendEvent is { } sent
                ? Failure(unknown.Id, "UnsupportedEntityMessage", $"The event '{sent.Name}' to '{sent.Instance?.InstanceId}' is none that an entity takes.")
                : Failure(unknown.Id, "UnsupportedAction", $"This task hub does not carry out the action {unknown.OrchestratorActionTypeCase}.");

    /// <summary>The event of a scheduled activity.</summary>
    public static HistoryEvent Scheduled(OrchestratorAction action, Timestamp now) => new()
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

    /// <summary>The event of a sub-orchestration, and the message that starts it.</summary>
    public static HistoryEvent StartSubOrchestration(LiveInstance parent, OrchestratorAction action, List<Envelope> messages, Timestamp now)
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

    /// <summary>The event of a sent event, and the message.</summary>
    public static HistoryEvent SendEvent(LiveInstance sender, OrchestratorAction action, List<Envelope> messages, Timestamp now)
    {
        var send = action.SendEvent;
        var id = send.Instance.InstanceId;
        messages.Add(LegacyEntityMessage.Read(id, send.Name, send.Data) is { } toEntity
            ? ToEntity(sender, toEntity, now)
            : new(id, new HistoryEvent { EventId = -1, Timestamp = now, EventRaised = new() { Name = send.Name, Input = send.Data } }));
        return new HistoryEvent { EventId = action.Id, Timestamp = now, EventSent = new() { InstanceId = id, Name = send.Name, Input = send.Data } };
    }

    /// <summary>The history names the receiver, the message names the sender. A receiver that is no entity gets nothing.</summary>
    public static HistoryEvent SendToEntity(LiveInstance sender, OrchestratorAction action, List<Envelope> messages, Timestamp now)
    {
        var record = new HistoryEvent { EventId = action.Id, Timestamp = now };
        var message = new HistoryEvent { EventId = -1, Timestamp = now };
        string? target;
        switch (action.SendEntityMessage.EntityMessageTypeCase)
        {
            case SendEntityMessageAction.EntityMessageTypeOneofCase.EntityOperationSignaled:
                record.EntityOperationSignaled = action.SendEntityMessage.EntityOperationSignaled;
                message.EntityOperationSignaled = record.EntityOperationSignaled.Clone();
                target = record.EntityOperationSignaled.TargetInstanceId;
                message.EntityOperationSignaled.TargetInstanceId = null;
                break;
            case SendEntityMessageAction.EntityMessageTypeOneofCase.EntityOperationCalled:
                record.EntityOperationCalled = action.SendEntityMessage.EntityOperationCalled;
                message.EntityOperationCalled = record.EntityOperationCalled.Clone();
                target = record.EntityOperationCalled.TargetInstanceId;
                message.EntityOperationCalled.TargetInstanceId = null;
                message.EntityOperationCalled.ParentInstanceId = sender.Id;
                message.EntityOperationCalled.ParentExecutionId = sender.State.ExecutionId;
                break;
            case SendEntityMessageAction.EntityMessageTypeOneofCase.EntityLockRequested:
                record.EntityLockRequested = action.SendEntityMessage.EntityLockRequested;
                message.EntityLockRequested = record.EntityLockRequested.Clone();
                target = record.EntityLockRequested.LockSet.ElementAtOrDefault(record.EntityLockRequested.Position);
                message.EntityLockRequested.ParentInstanceId = sender.Id;
                break;
            default:
                record.EntityUnlockSent = action.SendEntityMessage.EntityUnlockSent ?? new();
                message.EntityUnlockSent = record.EntityUnlockSent.Clone();
                target = record.EntityUnlockSent.TargetInstanceId;
                message.EntityUnlockSent.TargetInstanceId = null;
                message.EntityUnlockSent.ParentInstanceId = sender.Id;
                break;
        }

        if (EntityName.TryNormalize(target, out var id))
        {
            messages.Add(new(id, message));
        }

        return record;
    }

    /// <summary>A message that came as an event: who sent it is what the hub knows, not what the event says.</summary>
    private static Envelope ToEntity(LiveInstance sender, HistoryEvent message, Timestamp now)
    {
        (message.EventId, message.Timestamp) = (-1, now);
        switch (message.EventTypeCase)
        {
            case HistoryEvent.EventTypeOneofCase.EntityOperationSignaled:
                var signal = message.EntityOperationSignaled;
                (var target, signal.TargetInstanceId) = (signal.TargetInstanceId, null);
                return new(target, message);
            case HistoryEvent.EventTypeOneofCase.EntityOperationCalled:
                var call = message.EntityOperationCalled;
                (target, call.ParentInstanceId, call.ParentExecutionId) = (call.TargetInstanceId, sender.Id, sender.State.ExecutionId);
                return new(target, message);
            case HistoryEvent.EventTypeOneofCase.EntityLockRequested:
                var request = message.EntityLockRequested;
                request.ParentInstanceId = sender.Id;
                return EntityName.TryNormalize(request.LockSet.ElementAtOrDefault(request.Position), out target!)
                    ? new(target, message)
                    : throw new InvalidOperationException("The lock request names no entity.");
            default:
                var unlock = message.EntityUnlockSent;
                (target, unlock.TargetInstanceId, unlock.ParentInstanceId) = (unlock.TargetInstanceId, null, sender.Id);
                return new(target, message);
        }
    }

    private static bool IsEntity(string? id) => InstanceIds.IsValid(id) && EntityName.TryNormalize(id, out _);

    private static OrchestratorAction Failure(int id, string type, string message) => new()
    {
        Id = id,
        CompleteOrchestration = new()
        {
            OrchestrationStatus = OrchestrationStatus.Failed,
            FailureDetails = new() { ErrorType = type, ErrorMessage = message, IsNonRetriable = true },
        },
    };
}
