using AiPlatform.TaskHub.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ActionCase = AiPlatform.TaskHub.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <content>What orchestrators ask of entities.</content>
internal sealed partial class HubEngine
{
    /// <summary>The history names the receiver, the message names the sender. A receiver that is no entity gets nothing.</summary>
    private static HistoryEvent SendToEntity(LiveInstance sender, OrchestratorAction action, List<Envelope> messages, Timestamp now)
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

    /// <summary>Whether the hub can carry out an action.</summary>
    private static bool IsSupported(OrchestratorAction action) => action.OrchestratorActionTypeCase switch
    {
        ActionCase.None => false,
        ActionCase.SendEvent => action.SendEvent.Instance is { } receiver
            && (!EntityName.TryNormalize(receiver.InstanceId, out _) || LegacyEntityMessage.Read(receiver.InstanceId, action.SendEvent.Name, action.SendEvent.Data) is not null),
        ActionCase.SendEntityMessage => EntityName.TryNormalize(
            action.SendEntityMessage.EntityOperationSignaled?.TargetInstanceId ?? action.SendEntityMessage.EntityOperationCalled?.TargetInstanceId
                ?? action.SendEntityMessage.EntityUnlockSent?.TargetInstanceId ?? action.SendEntityMessage.EntityLockRequested?.LockSet.FirstOrDefault(),
            out _),
        _ => true,
    };
}
