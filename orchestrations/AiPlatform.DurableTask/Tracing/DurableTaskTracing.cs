using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask;

/// <summary>OpenTelemetry spans of clients and workers, named as all Durable Task SDKs name them. Traces are W3C.</summary>
public static class DurableTaskTracing
{
    /// <summary>The activity source to listen to.</summary>
    public const string SourceName = "Microsoft.DurableTask";

    private const string Orchestration = "orchestration";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>The span of a client that starts an orchestration; null when nobody listens.</summary>
    internal static Activity? StartCreation(P.CreateInstanceRequest request)
    {
        var span = Source.StartActivity(Named("create_orchestration", request.Name, request.Version), ActivityKind.Producer);
        span?.SetTag("durabletask.type", Orchestration).SetTag("durabletask.task.name", request.Name).SetTag("durabletask.task.version", request.Version)
            .SetTag("durabletask.task.instance_id", request.InstanceId).SetTag("durabletask.task.execution_id", request.ExecutionId);
        return span;
    }

    /// <summary>The span of a client that raises an event; null when nobody listens.</summary>
    internal static Activity? StartEvent(P.RaiseEventRequest request)
    {
        var span = Source.StartActivity(Named("orchestration_event", request.Name, null), ActivityKind.Producer);
        span?.SetTag("durabletask.type", "event").SetTag("durabletask.event.target_instance_id", request.InstanceId);
        return span;
    }

    /// <summary>
    /// The span of a running activity. When nobody listens but the caller is traced, the trace still goes on through what the
    /// activity calls.
    /// </summary>
    internal static Activity? StartActivity(P.ActivityRequest request)
    {
        if (Parse(request.ParentTraceContext) is not { } parent)
        {
            return null;
        }

        var name = Named("activity", request.Name, request.Version);
        var span = Source.StartActivity(name, ActivityKind.Server, parent);
        if (span is null)
        {
            span = new Activity(name).SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags);
            span.TraceStateString = parent.TraceState;
            span.Start();
        }

        return span.SetTag("durabletask.type", "activity").SetTag("durabletask.task.name", request.Name).SetTag("durabletask.task.version", request.Version)
            .SetTag("durabletask.task.instance_id", request.OrchestrationInstance?.InstanceId).SetTag("durabletask.task.task_id", request.TaskId);
    }

    /// <summary>The context of the current span for the wire; null when there is none.</summary>
    internal static P.TraceContext? Current(Activity? span = null)
        => (span ?? Activity.Current) is { IdFormat: ActivityIdFormat.W3C } current ? new() { TraceParent = current.Id, TraceState = current.TraceStateString } : null;

    /// <summary>
    /// The context that the tasks of an execution have as their parent: the execution's own span, whose id follows from the
    /// execution, so that every replay, on any worker, names the same one. Null when the execution was started without a trace.
    /// </summary>
    internal static P.TraceContext? OfExecution(P.ExecutionStartedEvent started, string instanceId)
        => Parse(started.ParentTraceContext) is { } parent
            ? new() { TraceParent = $"00-{parent.TraceId}-{SpanIdOf(started, instanceId)}-{(byte)parent.TraceFlags:x2}", TraceState = parent.TraceState }
            : null;

    /// <summary>Emits the span of an execution that has just ended: once, with its true length.</summary>
    internal static void EmitExecution(P.ExecutionStartedEvent started, string instanceId, DateTime startedAt, P.CompleteOrchestrationAction end)
    {
        if (Parse(started.ParentTraceContext) is not { } parent
            || Source.CreateActivity(Named(Orchestration, started.Name, started.Version), ActivityKind.Server, parent) is not { } span)
        {
            return;
        }

        // An orchestration outlives the turns, and the processes, that it runs in, so its span is made at its end.
        var outer = Activity.Current;
        span.SetStartTime(startedAt);
        span.Start();
        SpanId.Replace(span, SpanIdOf(started, instanceId));
        span.SetTag("durabletask.type", Orchestration).SetTag("durabletask.task.name", started.Name).SetTag("durabletask.task.version", started.Version)
            .SetTag("durabletask.task.instance_id", instanceId).SetTag("durabletask.task.execution_id", started.OrchestrationInstance?.ExecutionId)
            .SetTag("durabletask.task.status", end.OrchestrationStatus.ToString());
        if (end.FailureDetails is { } failure)
        {
            span.SetStatus(ActivityStatusCode.Error, failure.ErrorMessage);
        }

        span.Stop();
        Activity.Current = outer;
    }

    private static ActivityContext? Parse(P.TraceContext? context)
        => context is not null && ActivityContext.TryParse(context.TraceParent, context.TraceState, isRemote: true, out var parsed) ? parsed : null;

    private static string Named(string type, string name, string? version) => string.IsNullOrEmpty(version) ? $"{type}:{name}" : $"{type}:{name}@({version})";

    private static ActivitySpanId SpanIdOf(P.ExecutionStartedEvent started, string instanceId)
        => ActivitySpanId.CreateFromBytes(SHA256.HashData(Encoding.UTF8.GetBytes($"{instanceId}|{started.OrchestrationInstance?.ExecutionId}")).AsSpan(0, 8));
}
