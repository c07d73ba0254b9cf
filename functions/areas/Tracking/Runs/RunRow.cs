using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;

namespace AiPlatform.Tracking.Runs;

/// <summary>A row of <c>runs</c>.</summary>
internal sealed class RunRow : IReachable
{
    public const string Columns = "r.id, r.project_id, r.experiment_id, r.job_id, r.name, r.status, r.created_at, r.started_at, r.ended_at";

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string ExperimentId { get; init; }

    public string? JobId { get; init; }

    public required string Name { get; init; }

    public RunStatus Status { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>One parameter or tag.</summary>
internal sealed class RunEntryRow
{
    public required string RunId { get; init; }

    public required string Key { get; init; }

    public required string Value { get; init; }
}

/// <summary>A row of <c>metric_summaries</c>.</summary>
internal sealed class MetricSummaryRow
{
    public required string RunId { get; init; }

    public required string Key { get; init; }

    public double LastValue { get; init; }

    public long LastStep { get; init; }

    public DateTimeOffset LastAt { get; init; }

    public double? MinValue { get; init; }

    public double? MaxValue { get; init; }

    public long Points { get; init; }

    public MetricSummary ToContract() => new(Key, LastValue, LastStep, LastAt, MinValue, MaxValue, Points);
}
