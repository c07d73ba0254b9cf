using ActionCase = Microsoft.DurableTask.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;
using EventCase = Microsoft.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;
using MessageCase = Microsoft.DurableTask.Protobuf.SendEntityMessageAction.EntityMessageTypeOneofCase;
using P = Microsoft.DurableTask.Protobuf;

namespace AiPlatform.TaskHub.Cli.Replay;

/// <summary>What an action, and the event that records it, must have in common: the kind and what it is about.</summary>
internal static class ActionNames
{
    /// <summary>Of an action that the code asks for.</summary>
    public static (string Kind, string Name) Of(P.OrchestratorAction action) => action.OrchestratorActionTypeCase switch
    {
        ActionCase.ScheduleTask => (nameof(ActionCase.ScheduleTask), action.ScheduleTask.Name),
        ActionCase.CreateSubOrchestration => (nameof(ActionCase.CreateSubOrchestration), action.CreateSubOrchestration.Name),
        ActionCase.SendEvent => (nameof(ActionCase.SendEvent), action.SendEvent.Name),
        ActionCase.SendEntityMessage => Of(action.SendEntityMessage),
        var other => (other.ToString(), string.Empty),
    };

    /// <summary>Of the event that records an action.</summary>
    public static (string Kind, string Name) Of(P.HistoryEvent item) => item.EventTypeCase switch
    {
        EventCase.TaskScheduled => (nameof(ActionCase.ScheduleTask), item.TaskScheduled.Name),
        EventCase.TimerCreated => (nameof(ActionCase.CreateTimer), string.Empty),
        EventCase.SubOrchestrationInstanceCreated => (nameof(ActionCase.CreateSubOrchestration), item.SubOrchestrationInstanceCreated.Name),
        EventCase.EventSent => (nameof(ActionCase.SendEvent), item.EventSent.Name),
        EventCase.EntityOperationCalled => Of(new P.SendEntityMessageAction { EntityOperationCalled = item.EntityOperationCalled }),
        EventCase.EntityOperationSignaled => Of(new P.SendEntityMessageAction { EntityOperationSignaled = item.EntityOperationSignaled }),
        EventCase.EntityLockRequested => Of(new P.SendEntityMessageAction { EntityLockRequested = item.EntityLockRequested }),
        EventCase.EntityUnlockSent => Of(new P.SendEntityMessageAction { EntityUnlockSent = item.EntityUnlockSent }),
        var other => throw new ArgumentOutOfRangeException(nameof(item), other, "The event records no action."),
    };

    private static (string Kind, string Name) Of(P.SendEntityMessageAction message) => message.EntityMessageTypeCase switch
    {
        MessageCase.EntityOperationCalled => ("CallEntity", $"{message.EntityOperationCalled.TargetInstanceId}/{message.EntityOperationCalled.Operation}"),
        MessageCase.EntityOperationSignaled => ("SignalEntity", $"{message.EntityOperationSignaled.TargetInstanceId}/{message.EntityOperationSignaled.Operation}"),
        MessageCase.EntityLockRequested => ("LockEntities", string.Join(' ', message.EntityLockRequested.LockSet)),
        MessageCase.EntityUnlockSent => ("UnlockEntity", message.EntityUnlockSent.TargetInstanceId),
        var other => (other.ToString(), string.Empty),
    };
}
