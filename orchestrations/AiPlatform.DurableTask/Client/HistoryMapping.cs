using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Client;

/// <summary>From protocol messages to the client's records.</summary>
internal static class HistoryMapping
{
    public static OrchestrationMetadata ToMetadata(this P.OrchestrationState state, DataConverter converter) => new(state.Name, state.InstanceId)
    {
        ExecutionId = state.ExecutionId,
        ParentInstanceId = state.ParentInstanceId,
        Version = state.Version,
        DataConverter = converter,
        RuntimeStatus = (OrchestrationRuntimeStatus)state.OrchestrationStatus,
        CreatedAt = state.CreatedTimestamp?.ToDateTimeOffset() ?? default,
        LastUpdatedAt = state.LastUpdatedTimestamp?.ToDateTimeOffset() ?? default,
        CompletedAt = state.CompletedTimestamp?.ToDateTimeOffset(),
        ScheduledStartAt = state.ScheduledStartTimestamp?.ToDateTimeOffset(),
        SerializedInput = state.Input,
        SerializedOutput = state.Output,
        SerializedCustomStatus = state.CustomStatus,
        FailureDetails = TaskFailureDetails.FromProto(state.FailureDetails),
        Tags = new Dictionary<string, string>(state.Tags, StringComparer.Ordinal),
    };

    public static OrchestrationHistoryEvent ToHistoryEvent(this P.HistoryEvent item)
    {
        var plain = new OrchestrationHistoryEvent(item.EventId, item.EventTypeCase.ToString(), item.Timestamp?.ToDateTimeOffset() ?? default);
        return item.EventTypeCase switch
        {
            P.HistoryEvent.EventTypeOneofCase.ExecutionStarted => plain with { Name = item.ExecutionStarted.Name, Input = item.ExecutionStarted.Input },
            P.HistoryEvent.EventTypeOneofCase.ExecutionCompleted => plain with
            {
                Result = item.ExecutionCompleted.Result,
                FailureDetails = TaskFailureDetails.FromProto(item.ExecutionCompleted.FailureDetails),
                Status = (OrchestrationRuntimeStatus)item.ExecutionCompleted.OrchestrationStatus,
            },
            P.HistoryEvent.EventTypeOneofCase.ExecutionTerminated => plain with { Input = item.ExecutionTerminated.Input },
            P.HistoryEvent.EventTypeOneofCase.ExecutionSuspended => plain with { Input = item.ExecutionSuspended.Input },
            P.HistoryEvent.EventTypeOneofCase.ExecutionResumed => plain with { Input = item.ExecutionResumed.Input },
            P.HistoryEvent.EventTypeOneofCase.ExecutionRewound => plain with { Input = item.ExecutionRewound.Reason },
            P.HistoryEvent.EventTypeOneofCase.TaskScheduled => plain with { Name = item.TaskScheduled.Name, Input = item.TaskScheduled.Input },
            P.HistoryEvent.EventTypeOneofCase.TaskCompleted => plain with
            {
                TaskScheduledId = item.TaskCompleted.TaskScheduledId,
                Result = item.TaskCompleted.Result,
            },
            P.HistoryEvent.EventTypeOneofCase.TaskFailed => plain with
            {
                TaskScheduledId = item.TaskFailed.TaskScheduledId,
                FailureDetails = TaskFailureDetails.FromProto(item.TaskFailed.FailureDetails),
            },
            P.HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceCreated => plain with
            {
                Name = item.SubOrchestrationInstanceCreated.Name,
                Input = item.SubOrchestrationInstanceCreated.Input,
            },
            P.HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceCompleted => plain with
            {
                TaskScheduledId = item.SubOrchestrationInstanceCompleted.TaskScheduledId,
                Result = item.SubOrchestrationInstanceCompleted.Result,
            },
            P.HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceFailed => plain with
            {
                TaskScheduledId = item.SubOrchestrationInstanceFailed.TaskScheduledId,
                FailureDetails = TaskFailureDetails.FromProto(item.SubOrchestrationInstanceFailed.FailureDetails),
            },
            P.HistoryEvent.EventTypeOneofCase.TimerCreated => plain with { FireAt = item.TimerCreated.FireAt?.ToDateTimeOffset() },
            P.HistoryEvent.EventTypeOneofCase.TimerFired => plain with
            {
                TaskScheduledId = item.TimerFired.TimerId,
                FireAt = item.TimerFired.FireAt?.ToDateTimeOffset(),
            },
            P.HistoryEvent.EventTypeOneofCase.EventSent => plain with { Name = item.EventSent.Name, Input = item.EventSent.Input },
            P.HistoryEvent.EventTypeOneofCase.EventRaised => plain with { Name = item.EventRaised.Name, Input = item.EventRaised.Input },
            P.HistoryEvent.EventTypeOneofCase.EntityOperationCalled => plain with { Name = item.EntityOperationCalled.Operation, Input = item.EntityOperationCalled.Input },
            P.HistoryEvent.EventTypeOneofCase.EntityOperationSignaled => plain with { Name = item.EntityOperationSignaled.Operation, Input = item.EntityOperationSignaled.Input },
            P.HistoryEvent.EventTypeOneofCase.EntityOperationCompleted => plain with { Result = item.EntityOperationCompleted.Output },
            P.HistoryEvent.EventTypeOneofCase.EntityOperationFailed => plain with { FailureDetails = TaskFailureDetails.FromProto(item.EntityOperationFailed.FailureDetails) },
            P.HistoryEvent.EventTypeOneofCase.ContinueAsNew => plain with { Input = item.ContinueAsNew.Input },
            _ => plain,
        };
    }
}
