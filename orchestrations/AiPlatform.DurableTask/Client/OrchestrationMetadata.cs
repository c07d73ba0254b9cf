namespace AiPlatform.DurableTask.Client;

/// <summary>The status of an orchestration instance; numbers as on the wire.</summary>
public enum OrchestrationRuntimeStatus
{
    /// <summary>It runs.</summary>
    Running = 0,

    /// <summary>It ended with a result.</summary>
    Completed = 1,

    /// <summary>It is between two executions. Instances of today's hubs show <see cref="Running"/> instead.</summary>
    ContinuedAsNew = 2,

    /// <summary>It ended with an unhandled failure.</summary>
    Failed = 3,

    /// <summary>It was cancelled. No hub of today sets it.</summary>
    Canceled = 4,

    /// <summary>It was ended from outside.</summary>
    Terminated = 5,

    /// <summary>It has not started yet.</summary>
    Pending = 6,

    /// <summary>It is halted until it is resumed.</summary>
    Suspended = 7,
}

/// <summary>What is known of an orchestration instance.</summary>
/// <param name="name">The orchestrator's name.</param>
/// <param name="instanceId">The instance's id.</param>
public sealed class OrchestrationMetadata(string name, string instanceId)
{
    /// <summary>The orchestrator's name.</summary>
    public string Name { get; } = name;

    /// <summary>The instance's id.</summary>
    public string InstanceId { get; } = instanceId;

    /// <summary>Changes with every continue-as-new and restart.</summary>
    public string? ExecutionId { get; init; }

    /// <summary>The parent's instance id, for a sub-orchestration.</summary>
    public string? ParentInstanceId { get; init; }

    /// <summary>The version that it was started with.</summary>
    public string? Version { get; init; }

    /// <summary>Converts the payloads for the <c>Read…</c> methods.</summary>
    public DataConverter DataConverter { get; init; } = JsonDataConverter.Default;

    /// <summary>The status.</summary>
    public OrchestrationRuntimeStatus RuntimeStatus { get; init; }

    /// <summary>When it was created (UTC).</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last changed (UTC).</summary>
    public DateTimeOffset LastUpdatedAt { get; init; }

    /// <summary>When it ended (UTC); null before.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>When it is to start, if it was scheduled.</summary>
    public DateTimeOffset? ScheduledStartAt { get; init; }

    /// <summary>The input as text; null unless payloads were asked for.</summary>
    public string? SerializedInput { get; init; }

    /// <summary>The output as text; null unless payloads were asked for.</summary>
    public string? SerializedOutput { get; init; }

    /// <summary>The custom status as text; null unless payloads were asked for.</summary>
    public string? SerializedCustomStatus { get; init; }

    /// <summary>Why it failed; null otherwise.</summary>
    public TaskFailureDetails? FailureDetails { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>True when the instance is running.</summary>
    public bool IsRunning => RuntimeStatus == OrchestrationRuntimeStatus.Running;

    /// <summary>True when the instance has ended.</summary>
    public bool IsCompleted => RuntimeStatus is OrchestrationRuntimeStatus.Completed
        or OrchestrationRuntimeStatus.Failed
        or OrchestrationRuntimeStatus.Canceled
        or OrchestrationRuntimeStatus.Terminated;

    /// <summary>The input.</summary>
    public T? ReadInputAs<T>() => DataConverter.Deserialize<T>(SerializedInput);

    /// <summary>The output.</summary>
    public T? ReadOutputAs<T>() => DataConverter.Deserialize<T>(SerializedOutput);

    /// <summary>The custom status.</summary>
    public T? ReadCustomStatusAs<T>() => DataConverter.Deserialize<T>(SerializedCustomStatus);
}
