using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Registry;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Compute.Jobs;

/// <summary>A row of <c>jobs</c>.</summary>
internal sealed class JobRow : IReachable
{
    public const string Columns = $"""
        j.id, j.project_id, j.run_id, r.experiment_id, j.name, j.status, j.status_reason, j.priority, j.pool, j.spec, j.nodes, j.gpus_per_node,
        j.attempt, j.created_by, j.created_at, j.started_at, j.ended_at,
        (SELECT v.name || '/' || v.version FROM {RegistryRelations.ModelVersions} v WHERE v.registered_by_job = j.id) AS model
        """;

    public const string From = $"jobs j JOIN {TrackingRelations.Runs} r ON r.id = j.run_id";

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string RunId { get; init; }

    public required string ExperimentId { get; init; }

    public required string Name { get; init; }

    public JobStatus Status { get; set; }

    public string? StatusReason { get; set; }

    public short Priority { get; init; }

    public required string Pool { get; init; }

    public required string Spec { get; init; }

    public int Nodes { get; init; }

    public int GpusPerNode { get; init; }

    public int Attempt { get; set; }

    public string? CreatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; set; }

    public DateTimeOffset? EndedAt { get; set; }

    public string? Model { get; init; }

    /// <summary>What one node takes from a runner.</summary>
    public Capacity NodeNeed => new(1, GpusPerNode);

    public JobSpec ReadSpec() => JsonSerializer.Deserialize<JobSpec>(Spec, ContractsJson.Tolerant)!;

    public Job ToContract(IEnumerable<JobAttempt> attempts) => new(
        Id, ProjectId, Name, Status, Sentences.Told(StatusReason), RunId, ExperimentId, (JobPriority)Priority, ReadSpec(), Attempt, [.. attempts], Model, CreatedBy,
        CreatedAt, StartedAt, EndedAt);
}

/// <summary>A row of <c>job_attempts</c>.</summary>
internal sealed class JobAttemptRow
{
    public required string JobId { get; init; }

    public int Attempt { get; init; }

    public AttemptStatus Status { get; init; }

    public string? Reason { get; init; }

    public long? ResumeStep { get; init; }

    public string? CheckpointPath { get; init; }

    public DateTimeOffset AdmittedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public string? MasterHost { get; init; }

    public int? MasterPort { get; init; }

    public JobAttempt ToContract(IEnumerable<JobNodeRow> nodes)
        => new(Attempt, Status, Sentences.Told(Reason), ResumeStep, [.. nodes.Select(node => node.ToContract())], AdmittedAt, EndedAt);
}

/// <summary>A row of <c>job_nodes</c>.</summary>
internal sealed class JobNodeRow
{
    public required string JobId { get; init; }

    public int Attempt { get; init; }

    public int Node { get; init; }

    public AttemptStatus Status { get; init; }

    public string? RunnerId { get; init; }

    public string? SessionId { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public int? ExitCode { get; init; }

    public string? Reason { get; init; }

    public JobNode ToContract() => new(Node, Status, RunnerId, ExitCode, Sentences.Told(Reason), StartedAt, EndedAt);
}
