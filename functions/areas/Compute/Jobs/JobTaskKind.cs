using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Compute.Jobs;

/// <summary>Training jobs as tasks.</summary>
internal sealed class JobTaskKind(JobLifecycle lifecycle) : OrchestratedTaskKind
{
    /// <inheritdoc />
    public override string Kind => TaskKinds.TrainingJob;

    /// <inheritdoc />
    public override TaskSource Source { get; } = new(
        $"""
        SELECT j.id, j.project_id, '{TaskKinds.TrainingJob}' AS kind, j.name, j.status, j.status_reason AS reason, '/v1/jobs/' || j.id AS link,
            CASE WHEN j.status = 'succeeded' THEN 1 END::double precision AS progress, j.created_at, j.started_at, j.ended_at
        FROM jobs j
        """,
        Id: "j.id",
        Live: "j.deleted_at IS NULL",
        Within: "j.project_id = p.id");

    /// <inheritdoc />
    public override TaskState StateOf(string status) => Enum.Parse<JobStatus>(status, ignoreCase: true) switch
    {
        JobStatus.Pending or JobStatus.Waiting or JobStatus.Queued => TaskState.Pending,
        JobStatus.Running or JobStatus.Retrying or JobStatus.Cancelling => TaskState.Running,
        JobStatus.Succeeded => TaskState.Succeeded,
        JobStatus.Failed => TaskState.Failed,
        JobStatus.Cancelled => TaskState.Cancelled,
        var other => throw new ArgumentOutOfRangeException(nameof(status), other, "Unknown status."),
    };

    /// <inheritdoc />
    protected override Task CancelAsync(TaskReference task, string? reason, CancellationToken cancellationToken) => lifecycle.CancelAsync(task.Id, reason, cancellationToken);

    /// <inheritdoc />
    protected override WaitReason WaitsFor(TaskReference task) => Enum.Parse<JobStatus>(task.Status, ignoreCase: true) switch
    {
        JobStatus.Queued => WaitReason.OnItsWay,
        JobStatus.Pending => WaitReason.Turn,
        _ => Sentences.KeyOf(task.Reason) switch
        {
            JobAdmissions.Ahead => WaitReason.Turn,
            JobAdmissions.Dependency => WaitReason.Dependency,
            _ => WaitReason.NoCapacity,
        },
    };
}
