using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Compute.Queues;

/// <summary>A row of <c>queue_tasks</c> with its queue and flow.</summary>
internal sealed class QueueTaskRow : IReachable
{
    public const string Columns =
        """
        t.id, t.queue_id, t.flow_id, p.id AS project_id, p.name AS project, q.pool, q.state AS queue_state, q.max_running, f.lane, f.user_id, f.priority,
        t.name, t.handler, t.payload::text AS payload, t.status, t.fence, t.attempt, t.retry::text AS retry, t.timeout_seconds, t.ready_at, t.deadline_at,
        t.worker_id, t.concurrency_key, t.concurrency_limit, t.deduplication_key, t.dependency_mode, t.parent_id, t.cancel_requested,
        t.progress, t.result::text AS result, t.error_kind, t.reason, t.created_at, t.started_at, t.ended_at,
        CASE WHEN t.dependency_mode IS NOT NULL THEN
            (SELECT array_agg(d.depends_on ORDER BY d.depends_on) FROM queue_task_dependencies d WHERE d.task_id = t.id) END AS depends_on
        """;

    public const string From =
        $"queue_tasks t JOIN queues q ON q.id = t.queue_id JOIN queue_flows f ON f.id = t.flow_id JOIN {IdentityRelations.Projects} p ON p.id = q.project_id";

    private static readonly TaskRetry DefaultRetry = new();

    public required string Id { get; init; }

    public long QueueId { get; init; }

    public long FlowId { get; init; }

    public required string ProjectId { get; init; }

    public required string Project { get; init; }

    public required string Pool { get; init; }

    public QueueState QueueState { get; init; }

    public int? MaxRunning { get; init; }

    public TaskLane Lane { get; init; }

    public required string UserId { get; init; }

    public short Priority { get; init; }

    public string? Name { get; init; }

    public required string Handler { get; init; }

    public string? Payload { get; init; }

    public QueueTaskStatus Status { get; init; }

    public int Fence { get; init; }

    public int Attempt { get; init; }

    public string? Retry { get; init; }

    public int TimeoutSeconds { get; init; }

    public DateTimeOffset ReadyAt { get; init; }

    public DateTimeOffset? DeadlineAt { get; init; }

    public string? WorkerId { get; init; }

    public string? ConcurrencyKey { get; init; }

    public int? ConcurrencyLimit { get; init; }

    public string? DeduplicationKey { get; init; }

    public DependencyMode? DependencyMode { get; init; }

    public string? ParentId { get; init; }

    public bool CancelRequested { get; init; }

    public double? Progress { get; init; }

    public string? Result { get; init; }

    public string? ErrorKind { get; init; }

    public string? Reason { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public string[]? DependsOn { get; init; }

    public TaskRetry RetryRule => ParseRetry(Retry);

    /// <summary>Reads a stored rule; the default one stands for none.</summary>
    public static TaskRetry ParseRetry(string? json) => json is null ? DefaultRetry : JsonSerializer.Deserialize<TaskRetry>(json, ContractsJson.Tolerant)!;

    /// <summary>JSON as the API shows it.</summary>
    public static JsonElement? ParseJson(string? json) => json is null ? null : JsonElement.Parse(json);

    public QueueTask ToContract() => new(
        Id, Project, Pool, Name, Handler, (JobPriority)Priority, Status, Sentences.Told(Reason), ErrorKind, Attempt, RetryRule, ParseJson(Payload), ParseJson(Result), Progress,
        DependencyMode is { } mode ? new TaskDependencies(DependsOn ?? [], mode) : null,
        ConcurrencyKey is { } key ? new TaskConcurrency(key, ConcurrencyLimit ?? 1) : null,
        DeduplicationKey, ParentId, TimeoutSeconds, DeadlineAt, UserId, WorkerId, CreatedAt, ReadyAt, StartedAt, EndedAt);
}
