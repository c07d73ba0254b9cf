namespace AiPlatform.DurableTask;

/// <summary>Options of one call of an activity or a sub-orchestration.</summary>
/// <param name="Retry">How failures are retried; null does not retry.</param>
/// <param name="Tags">Tags that travel with the call.</param>
public record TaskOptions(TaskRetryOptions? Retry = null, IDictionary<string, string>? Tags = null)
{
    /// <summary>Retry by a policy.</summary>
    public static TaskOptions FromRetryPolicy(RetryPolicy policy) => new(policy);

    /// <summary>Retry as a handler decides.</summary>
    public static TaskOptions FromRetryHandler(AsyncRetryHandler handler) => new(handler);

    /// <summary>Retry as a handler decides.</summary>
    public static TaskOptions FromRetryHandler(RetryHandler handler) => new(handler);

    /// <summary>The same options for a sub-orchestration with the given instance id.</summary>
    public SubOrchestrationOptions WithInstanceId(string instanceId) => new(this, instanceId);
}

/// <summary>Options of one activity call.</summary>
public record ActivityOptions : TaskOptions
{
    /// <param name="retry">How failures are retried.</param>
    /// <param name="tags">Tags that travel with the call.</param>
    public ActivityOptions(TaskRetryOptions? retry = null, IDictionary<string, string>? tags = null)
        : base(retry, tags)
    {
    }

    /// <summary>The version of the activity to call.</summary>
    public string? Version { get; init; }
}

/// <summary>Options of one sub-orchestration call.</summary>
public record SubOrchestrationOptions : TaskOptions
{
    /// <param name="retry">How failures are retried.</param>
    /// <param name="instanceId">The instance id; generated when null.</param>
    /// <param name="tags">Tags of the new instance.</param>
    public SubOrchestrationOptions(TaskRetryOptions? retry = null, string? instanceId = null, IDictionary<string, string>? tags = null)
        : base(retry, tags) => InstanceId = instanceId;

    /// <param name="options">Options to copy.</param>
    /// <param name="instanceId">The instance id; generated when null.</param>
    public SubOrchestrationOptions(TaskOptions options, string? instanceId = null)
        : base(options) => InstanceId = instanceId;

    /// <summary>The instance id; generated when null.</summary>
    public string? InstanceId { get; init; }

    /// <summary>The version of the orchestrator; the worker's default when null.</summary>
    public string? Version { get; init; }
}

/// <summary>Either a retry policy or a retry handler.</summary>
public sealed class TaskRetryOptions
{
    /// <param name="policy">Retry by this policy.</param>
    public TaskRetryOptions(RetryPolicy policy) => Policy = policy ?? throw new ArgumentNullException(nameof(policy));

    /// <param name="handler">Retry as this handler decides.</param>
    public TaskRetryOptions(AsyncRetryHandler handler) => Handler = handler ?? throw new ArgumentNullException(nameof(handler));

    /// <summary>The policy; null when a handler decides.</summary>
    public RetryPolicy? Policy { get; }

    /// <summary>The handler; null when a policy decides.</summary>
    public AsyncRetryHandler? Handler { get; }

    /// <summary>A policy is a retry option.</summary>
    public static implicit operator TaskRetryOptions(RetryPolicy policy) => FromRetryPolicy(policy);

    /// <summary>A handler is a retry option.</summary>
    public static implicit operator TaskRetryOptions(AsyncRetryHandler handler) => FromRetryHandler(handler);

    /// <summary>A handler is a retry option.</summary>
    public static implicit operator TaskRetryOptions(RetryHandler handler) => FromRetryHandler(handler);

    /// <summary>Retry by a policy.</summary>
    public static TaskRetryOptions FromRetryPolicy(RetryPolicy policy) => new(policy);

    /// <summary>Retry as a handler decides.</summary>
    public static TaskRetryOptions FromRetryHandler(AsyncRetryHandler handler) => new(handler);

    /// <summary>Retry as a handler decides.</summary>
    public static TaskRetryOptions FromRetryHandler(RetryHandler handler) => new(context => Task.FromResult(handler(context)));
}

/// <summary>Options of a new orchestration.</summary>
/// <param name="InstanceId">The instance id; generated when null.</param>
/// <param name="StartAt">The instance stays pending until then; starts at once when null.</param>
public record StartOrchestrationOptions(string? InstanceId = null, DateTimeOffset? StartAt = null)
{
    /// <summary>Tags of the instance.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The version of the orchestrator; the client's default when null.</summary>
    public string? Version { get; init; }

    /// <summary>
    /// Names of the statuses (<c>OrchestrationRuntimeStatus</c>) in which an existing instance of the same id makes the start fail;
    /// in all other finished statuses it is replaced. Null: any existing instance makes the start fail.
    /// </summary>
    public IReadOnlyList<string>? DedupeStatuses { get; init; }
}

/// <summary>How an orchestration continues as new.</summary>
public sealed class ContinueAsNewOptions
{
    /// <summary>The version of the next execution; the same when null. With no history to contradict, this is the place to change it.</summary>
    public string? NewVersion { get; set; }
}
