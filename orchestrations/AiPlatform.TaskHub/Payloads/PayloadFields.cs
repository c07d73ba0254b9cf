using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using ActionCase = AiPlatform.TaskHub.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;
using EventCase = AiPlatform.TaskHub.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Payloads;

/// <summary>Where messages of the protocol carry what users send: each event and each action has at most one payload.</summary>
internal static class PayloadFields
{
    /// <summary>The payload of an event; null when it has none.</summary>
    public static string? Of(HistoryEvent item) => item.EventTypeCase switch
    {
        EventCase.ExecutionStarted => item.ExecutionStarted.Input,
        EventCase.ExecutionCompleted => item.ExecutionCompleted.Result,
        EventCase.ExecutionTerminated => item.ExecutionTerminated.Input,
        EventCase.TaskScheduled => item.TaskScheduled.Input,
        EventCase.TaskCompleted => item.TaskCompleted.Result,
        EventCase.SubOrchestrationInstanceCreated => item.SubOrchestrationInstanceCreated.Input,
        EventCase.SubOrchestrationInstanceCompleted => item.SubOrchestrationInstanceCompleted.Result,
        EventCase.EventSent => item.EventSent.Input,
        EventCase.EventRaised => item.EventRaised.Input,
        EventCase.GenericEvent => item.GenericEvent.Data,
        EventCase.ContinueAsNew => item.ContinueAsNew.Input,
        EventCase.EntityOperationSignaled => item.EntityOperationSignaled.Input,
        EventCase.EntityOperationCalled => item.EntityOperationCalled.Input,
        EventCase.EntityOperationCompleted => item.EntityOperationCompleted.Output,
        _ => null,
    };

    /// <summary>Replaces the payload of an event that has one.</summary>
    public static void Set(HistoryEvent item, string payload)
    {
        switch (item.EventTypeCase)
        {
            case EventCase.ExecutionStarted:
                item.ExecutionStarted.Input = payload;
                break;
            case EventCase.ExecutionCompleted:
                item.ExecutionCompleted.Result = payload;
                break;
            case EventCase.ExecutionTerminated:
                item.ExecutionTerminated.Input = payload;
                break;
            case EventCase.TaskScheduled:
                item.TaskScheduled.Input = payload;
                break;
            case EventCase.TaskCompleted:
                item.TaskCompleted.Result = payload;
                break;
            case EventCase.SubOrchestrationInstanceCreated:
                item.SubOrchestrationInstanceCreated.Input = payload;
                break;
            case EventCase.SubOrchestrationInstanceCompleted:
                item.SubOrchestrationInstanceCompleted.Result = payload;
                break;
            case EventCase.EventSent:
                item.EventSent.Input = payload;
                break;
            case EventCase.EventRaised:
                item.EventRaised.Input = payload;
                break;
            case EventCase.GenericEvent:
                item.GenericEvent.Data = payload;
                break;
            case EventCase.ContinueAsNew:
                item.ContinueAsNew.Input = payload;
                break;
            case EventCase.EntityOperationSignaled:
                item.EntityOperationSignaled.Input = payload;
                break;
            case EventCase.EntityOperationCalled:
                item.EntityOperationCalled.Input = payload;
                break;
            case EventCase.EntityOperationCompleted:
                item.EntityOperationCompleted.Output = payload;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(item), item.EventTypeCase, "The event has no payload.");
        }
    }

    /// <summary>
    /// The payload of an action; null when it has none. Events that an action carries have their own. What goes to an entity as an event
    /// is read by the hub and stays where it is.
    /// </summary>
    public static string? Of(OrchestratorAction action) => action.OrchestratorActionTypeCase switch
    {
        ActionCase.ScheduleTask => action.ScheduleTask.Input,
        ActionCase.CreateSubOrchestration => action.CreateSubOrchestration.Input,
        ActionCase.SendEvent => EntityName.TryNormalize(action.SendEvent.Instance?.InstanceId, out _) ? null : action.SendEvent.Data,
        ActionCase.CompleteOrchestration => action.CompleteOrchestration.Result,
        ActionCase.TerminateOrchestration => action.TerminateOrchestration.Reason,
        ActionCase.SendEntityMessage => action.SendEntityMessage.EntityOperationCalled?.Input ?? action.SendEntityMessage.EntityOperationSignaled?.Input,
        _ => null,
    };

    /// <summary>Replaces the payload of an action that has one.</summary>
    public static void Set(OrchestratorAction action, string payload)
    {
        switch (action.OrchestratorActionTypeCase)
        {
            case ActionCase.ScheduleTask:
                action.ScheduleTask.Input = payload;
                break;
            case ActionCase.CreateSubOrchestration:
                action.CreateSubOrchestration.Input = payload;
                break;
            case ActionCase.SendEvent:
                action.SendEvent.Data = payload;
                break;
            case ActionCase.CompleteOrchestration:
                action.CompleteOrchestration.Result = payload;
                break;
            case ActionCase.TerminateOrchestration:
                action.TerminateOrchestration.Reason = payload;
                break;
            case ActionCase.SendEntityMessage when action.SendEntityMessage.EntityOperationCalled is { } call:
                call.Input = payload;
                break;
            case ActionCase.SendEntityMessage when action.SendEntityMessage.EntityOperationSignaled is { } signal:
                signal.Input = payload;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action.OrchestratorActionTypeCase, "The action has no payload.");
        }
    }

    /// <summary>Events that an action carries: those that a next execution gets, or a rewritten history.</summary>
    public static IEnumerable<HistoryEvent> EventsOf(OrchestratorAction action)
        => action.CompleteOrchestration?.CarryoverEvents ?? action.RewindOrchestration?.NewHistory ?? Enumerable.Empty<HistoryEvent>();

    /// <summary>About how many bytes an event is when it is sent.</summary>
    public static long Size(HistoryEvent item)
    {
        const int Frame = 64;
        return Of(item) is not { } payload ? Frame : Frame + (PayloadToken.Of(payload)?.Length ?? payload.Length);
    }
}
