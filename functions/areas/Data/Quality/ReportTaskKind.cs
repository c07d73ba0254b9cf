using AiPlatform.Contracts.Quality;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Data.Quality;

/// <summary>Quality reports as tasks.</summary>
internal sealed class ReportTaskKind(QualityReportStore reports) : OrchestratedTaskKind
{
    /// <inheritdoc />
    public override string Kind => TaskKinds.QualityReport;

    /// <inheritdoc />
    public override TaskSource Source { get; } = new(
        $"""
        SELECT r.id, r.project_id, '{TaskKinds.QualityReport}' AS kind, d.name || '@' || v.version AS name, r.status, r.reason, '/v1/quality-reports/' || r.id AS link,
            r.progress, r.created_at, r.started_at, r.ended_at
        FROM quality_reports r JOIN dataset_versions v ON v.id = r.version_id JOIN datasets d ON d.id = v.dataset_id
        """,
        Id: "r.id",
        Live: "true",
        Within: "r.project_id = p.id");

    /// <inheritdoc />
    public override TaskState StateOf(string status) => Enum.Parse<QualityReportStatus>(status, ignoreCase: true) switch
    {
        QualityReportStatus.Pending => TaskState.Pending,
        QualityReportStatus.Running => TaskState.Running,
        QualityReportStatus.Succeeded => TaskState.Succeeded,
        QualityReportStatus.Failed => TaskState.Failed,
        QualityReportStatus.Cancelled => TaskState.Cancelled,
        var other => throw new ArgumentOutOfRangeException(nameof(status), other, "Unknown status."),
    };

    /// <inheritdoc />
    protected override Task CancelAsync(TaskReference task, string? reason, CancellationToken cancellationToken) => reports.CancelAsync(task.Id, cancellationToken);
}
