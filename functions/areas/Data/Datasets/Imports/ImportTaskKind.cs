using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>Imports as tasks.</summary>
internal sealed class ImportTaskKind(DatasetImportStore imports) : OrchestratedTaskKind
{
    /// <inheritdoc />
    public override string Kind => TaskKinds.DatasetImport;

    /// <inheritdoc />
    public override TaskSource Source { get; } = new(
        $"""
        SELECT i.id, i.project_id, '{TaskKinds.DatasetImport}' AS kind, 'import ' || i.source AS name, i.status, i.code AS reason,
            '/v1/projects/' || i.project_id || '/datasets/' || i.dataset_id || '/imports/' || i.id AS link,
            CASE WHEN i.status = 'succeeded' THEN 1 WHEN i.total_bytes > 0 THEN least(i.done_bytes::double precision / i.total_bytes, 1) END AS progress,
            i.created_at, i.started_at, i.ended_at
        FROM dataset_imports i
        """,
        Id: "i.id",
        Live: "true",
        Within: "i.project_id = p.id");

    /// <inheritdoc />
    public override TaskState StateOf(string status) => Enum.Parse<DatasetImportStatus>(status, ignoreCase: true) switch
    {
        DatasetImportStatus.Pending => TaskState.Pending,
        DatasetImportStatus.Running or DatasetImportStatus.Cancelling => TaskState.Running,
        DatasetImportStatus.Succeeded => TaskState.Succeeded,
        DatasetImportStatus.Failed => TaskState.Failed,
        DatasetImportStatus.Cancelled => TaskState.Cancelled,
        var other => throw new ArgumentOutOfRangeException(nameof(status), other, "Unknown status."),
    };

    /// <summary>A stable code, which has no language.</summary>
    public override string? Told(string? reason) => reason;

    /// <inheritdoc />
    protected override Task CancelAsync(TaskReference task, string? reason, CancellationToken cancellationToken)
        => imports.CancelAsync(task.ProjectId, task.Id, cancellationToken);
}
