using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>One event of an instance's history, flattened for people and for status endpoints.</summary>
/// <param name="EventId">The action's id for scheduled, created and sent events; -1 otherwise.</param>
/// <param name="EventType">The kind, for example <c>TaskCompleted</c>.</param>
/// <param name="Timestamp">When it was recorded (UTC).</param>
public sealed record HistoryEntry(int EventId, string EventType, DateTimeOffset Timestamp)
{
    /// <summary>The name of the activity, orchestrator, event or operation, where there is one.</summary>
    public string? Name { get; init; }

    /// <summary>The id of the action that this event answers.</summary>
    public int? TaskScheduledId { get; init; }

    /// <summary>The input as text.</summary>
    public string? Input { get; init; }

    /// <summary>The result as text.</summary>
    public string? Result { get; init; }

    /// <summary>The type of the exception of what failed.</summary>
    public string? ErrorType { get; init; }

    /// <summary>Why it failed.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>When a timer fires.</summary>
    public DateTimeOffset? FireAt { get; init; }

    /// <summary>The status that an execution ended with.</summary>
    public string? Status { get; init; }

    /// <summary>The history of an instance's current execution, in order.</summary>
    /// <exception cref="RpcException">No such instance: <see cref="StatusCode.NotFound"/>.</exception>
    public static async Task<IReadOnlyList<HistoryEntry>> ReadAsync(TaskHubConnection hub, string instanceId, CancellationToken cancellationToken)
        => (await ReadEventsAsync(hub, instanceId, cancellationToken)).ConvertAll(static item => From(item));

    /// <summary>The events as the protocol has them.</summary>
    /// <exception cref="RpcException">No such instance: <see cref="StatusCode.NotFound"/>.</exception>
    public static async Task<List<HistoryEvent>> ReadEventsAsync(TaskHubConnection hub, string instanceId, CancellationToken cancellationToken)
    {
        using var call = hub.Protocol.StreamInstanceHistory(new() { InstanceId = instanceId }, cancellationToken: cancellationToken);
        var events = new List<HistoryEvent>();
        await foreach (var chunk in call.ResponseStream.ReadAllAsync(cancellationToken))
        {
            events.AddRange(chunk.Events);
        }

        return events;
    }

    private static HistoryEntry From(HistoryEvent item)
    {
        var plain = new HistoryEntry(item.EventId, item.EventTypeCase.ToString(), Time(item.Timestamp) ?? default);
        return item.EventTypeCase switch
        {
            HistoryEvent.EventTypeOneofCase.ExecutionStarted => plain with { Name = item.ExecutionStarted.Name, Input = item.ExecutionStarted.Input },
            HistoryEvent.EventTypeOneofCase.ExecutionCompleted => plain.Failed(item.ExecutionCompleted.FailureDetails) with
            {
                Result = item.ExecutionCompleted.Result,
                Status = item.ExecutionCompleted.OrchestrationStatus.ToString(),
            },
            HistoryEvent.EventTypeOneofCase.ExecutionTerminated => plain with { Input = item.ExecutionTerminated.Input },
            HistoryEvent.EventTypeOneofCase.ExecutionSuspended => plain with { Input = item.ExecutionSuspended.Input },
            HistoryEvent.EventTypeOneofCase.ExecutionResumed => plain with { Input = item.ExecutionResumed.Input },
            HistoryEvent.EventTypeOneofCase.ExecutionRewound => plain with { Input = item.ExecutionRewound.Reason },
            HistoryEvent.EventTypeOneofCase.TaskScheduled => plain with { Name = item.TaskScheduled.Name, Input = item.TaskScheduled.Input },
            HistoryEvent.EventTypeOneofCase.TaskCompleted => plain with
            {
                TaskScheduledId = item.TaskCompleted.TaskScheduledId,
                Result = item.TaskCompleted.Result,
            },
            HistoryEvent.EventTypeOneofCase.TaskFailed
                => plain.Failed(item.TaskFailed.FailureDetails) with { TaskScheduledId = item.TaskFailed.TaskScheduledId },
            HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceCreated => plain with
            {
                Name = item.SubOrchestrationInstanceCreated.Name,
                Input = item.SubOrchestrationInstanceCreated.Input,
            },
            HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceCompleted => plain with
            {
                TaskScheduledId = item.SubOrchestrationInstanceCompleted.TaskScheduledId,
                Result = item.SubOrchestrationInstanceCompleted.Result,
            },
            HistoryEvent.EventTypeOneofCase.SubOrchestrationInstanceFailed => plain.Failed(item.SubOrchestrationInstanceFailed.FailureDetails) with
            {
                TaskScheduledId = item.SubOrchestrationInstanceFailed.TaskScheduledId,
            },
            HistoryEvent.EventTypeOneofCase.TimerCreated => plain with { FireAt = Time(item.TimerCreated.FireAt) },
            HistoryEvent.EventTypeOneofCase.TimerFired => plain with
            {
                TaskScheduledId = item.TimerFired.TimerId,
                FireAt = Time(item.TimerFired.FireAt),
            },
            HistoryEvent.EventTypeOneofCase.EventSent => plain with { Name = item.EventSent.Name, Input = item.EventSent.Input },
            HistoryEvent.EventTypeOneofCase.EventRaised => plain with { Name = item.EventRaised.Name, Input = item.EventRaised.Input },
            HistoryEvent.EventTypeOneofCase.EntityOperationCalled => plain with
            {
                Name = item.EntityOperationCalled.Operation,
                Input = item.EntityOperationCalled.Input,
            },
            HistoryEvent.EventTypeOneofCase.EntityOperationSignaled => plain with
            {
                Name = item.EntityOperationSignaled.Operation,
                Input = item.EntityOperationSignaled.Input,
            },
            HistoryEvent.EventTypeOneofCase.EntityOperationCompleted => plain with { Result = item.EntityOperationCompleted.Output },
            HistoryEvent.EventTypeOneofCase.EntityOperationFailed => plain.Failed(item.EntityOperationFailed.FailureDetails),
            HistoryEvent.EventTypeOneofCase.ContinueAsNew => plain with { Input = item.ContinueAsNew.Input },
            _ => plain,
        };
    }

    private static DateTimeOffset? Time(Timestamp? time) => time?.ToDateTimeOffset();

    private HistoryEntry Failed(TaskFailureDetails? failure)
        => failure is null ? this : this with { ErrorType = failure.ErrorType, ErrorMessage = failure.ErrorMessage };
}
