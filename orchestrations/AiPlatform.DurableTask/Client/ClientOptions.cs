namespace AiPlatform.DurableTask.Client;

/// <summary>Which instances to list.</summary>
/// <param name="CreatedFrom">Created at or after.</param>
/// <param name="CreatedTo">Created at or before.</param>
/// <param name="Statuses">In one of these statuses; all when null or empty.</param>
/// <param name="TaskHubNames">Reserved: a client sees its own hub.</param>
/// <param name="InstanceIdPrefix">With ids that begin so.</param>
/// <param name="PageSize">Instances per page, at most 1,000.</param>
/// <param name="FetchInputsAndOutputs">Whether payloads are fetched.</param>
/// <param name="ContinuationToken">Where to go on.</param>
public sealed record OrchestrationQuery(
    DateTimeOffset? CreatedFrom = null,
    DateTimeOffset? CreatedTo = null,
    IEnumerable<OrchestrationRuntimeStatus>? Statuses = null,
    IEnumerable<string>? TaskHubNames = null,
    string? InstanceIdPrefix = null,
    int PageSize = OrchestrationQuery.DefaultPageSize,
    bool FetchInputsAndOutputs = false,
    string? ContinuationToken = null)
{
    /// <summary>Instances per page when nothing is said.</summary>
    public const int DefaultPageSize = 100;
}

/// <summary>How an instance is terminated.</summary>
/// <param name="Output">Becomes its output.</param>
/// <param name="Recursive">Whether its sub-orchestrations are terminated too.</param>
public sealed record TerminateInstanceOptions(object? Output = null, bool Recursive = false);

/// <summary>How an instance is purged.</summary>
/// <param name="Recursive">Whether its sub-orchestrations are purged too.</param>
public sealed record PurgeInstanceOptions(bool Recursive = false);

/// <summary>Which finished instances to purge.</summary>
/// <param name="CreatedFrom">Created at or after.</param>
/// <param name="CreatedTo">Created at or before.</param>
/// <param name="Statuses">In one of these statuses; all finished ones when null.</param>
public sealed record PurgeInstancesFilter(
    DateTimeOffset? CreatedFrom = null,
    DateTimeOffset? CreatedTo = null,
    IEnumerable<OrchestrationRuntimeStatus>? Statuses = null);

/// <summary>What a purge did.</summary>
/// <param name="PurgedInstanceCount">Instances removed.</param>
/// <param name="IsComplete">False when more match and the call should be repeated; null when not known.</param>
public sealed record PurgeResult(int PurgedInstanceCount, bool? IsComplete = null);

/// <summary>One event of an instance's history, flattened for people and for status endpoints.</summary>
/// <param name="EventId">The action's id for scheduled, created and sent events; -1 otherwise.</param>
/// <param name="EventType">The kind, for example <c>TaskCompleted</c>.</param>
/// <param name="Timestamp">When it was recorded (UTC).</param>
/// <param name="Name">The name of the activity, orchestrator or event, where there is one.</param>
/// <param name="TaskScheduledId">The id of the action that this event answers.</param>
/// <param name="Input">The input as text.</param>
/// <param name="Result">The result as text.</param>
/// <param name="FailureDetails">The failure.</param>
/// <param name="FireAt">When a timer fires.</param>
/// <param name="Status">The status that an execution ended with.</param>
public sealed record OrchestrationHistoryEvent(
    int EventId,
    string EventType,
    DateTimeOffset Timestamp,
    string? Name = null,
    int? TaskScheduledId = null,
    string? Input = null,
    string? Result = null,
    TaskFailureDetails? FailureDetails = null,
    DateTimeOffset? FireAt = null,
    OrchestrationRuntimeStatus? Status = null);

/// <summary>An instance of that id exists already, and the options do not allow to replace it.</summary>
public sealed class OrchestrationAlreadyExistsException(string message, Exception? innerException = null) : Exception(message, innerException);
