using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Quality;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Functions.Features.Jobs;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.Infrastructure.Texts;
using Dapper;

namespace AiPlatform.Functions.Features.Tasks;

/// <summary>A read-only view over long operations of projects: jobs, imports, quality reports, and the tasks of queues.</summary>
internal sealed class TaskReader(Database database)
{
    public const string JobKind = "trainingJob";
    public const string ImportKind = "datasetImport";
    public const string ReportKind = "qualityReport";
    public const string QueueKind = "queueTask";

    private const string Reachable = "p.deleted_at IS NULL AND (@owner::text IS NULL OR p.owner_id = @owner)";

    private const string Jobs = $"""
        SELECT j.id, j.project_id, '{JobKind}' AS kind, j.name, j.status, j.status_reason AS reason, '/v1/jobs/' || j.id AS link,
            CASE WHEN j.status = 'succeeded' THEN 1 END::double precision AS progress, j.created_at, j.started_at, j.ended_at
        FROM jobs j
        """;

    private const string Tasks = $"""
        SELECT t.id, q.project_id, '{QueueKind}' AS kind, coalesce(t.name, t.handler) AS name, t.status, t.reason,
            '/v1/queues/' || q.project_id || '/' || q.pool || '/tasks/' || t.id AS link, t.progress, t.created_at, t.started_at, t.ended_at
        FROM queue_tasks t JOIN queues q ON q.id = t.queue_id
        """;

    private const string Imports = $"""
        SELECT i.id, i.project_id, '{ImportKind}' AS kind, 'import ' || i.source AS name, i.status, i.code AS reason,
            '/v1/projects/' || i.project_id || '/datasets/' || i.dataset_id || '/imports/' || i.id AS link,
            CASE WHEN i.status = 'succeeded' THEN 1 WHEN i.total_bytes > 0 THEN least(i.done_bytes::double precision / i.total_bytes, 1) END AS progress,
            i.created_at, i.started_at, i.ended_at
        FROM dataset_imports i
        """;

    private const string Reports = $"""
        SELECT r.id, r.project_id, '{ReportKind}' AS kind, d.name || '@' || v.version AS name, r.status, r.reason, '/v1/quality-reports/' || r.id AS link,
            r.progress, r.created_at, r.started_at, r.ended_at
        FROM quality_reports r JOIN dataset_versions v ON v.id = r.version_id JOIN datasets d ON d.id = v.dataset_id
        """;

    /// <summary>One more task than asked for, newest first; of one project, or of all that the caller reaches.</summary>
    public async Task<IEnumerable<TaskViewRow>> ListAsync(string? projectId, Caller caller, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var wanted = $"{Reachable} AND (@projectId::text IS NULL OR p.id = @projectId)";
        var (jobsBefore, tasksBefore, importsBefore, reportsBefore) = after is null
            ? ("", "", "", "")
            : (" AND j.id < @after", " AND t.id < @after", " AND i.id < @after", " AND r.id < @after");
        // Each project and each queue gives its newest from an index, however many tasks it has.
        return await connection.QueryAsync<TaskViewRow>(new CommandDefinition(
            $"""
            SELECT * FROM (
                SELECT s.* FROM projects p
                CROSS JOIN LATERAL ({Jobs} WHERE j.project_id = p.id AND j.deleted_at IS NULL{jobsBefore} ORDER BY j.id DESC LIMIT @limit) s WHERE {wanted}
                UNION ALL
                SELECT s.* FROM projects p
                CROSS JOIN LATERAL ({Imports} WHERE i.project_id = p.id{importsBefore} ORDER BY i.id DESC LIMIT @limit) s WHERE {wanted}
                UNION ALL
                SELECT s.* FROM projects p
                CROSS JOIN LATERAL ({Reports} WHERE r.project_id = p.id{reportsBefore} ORDER BY r.id DESC LIMIT @limit) s WHERE {wanted}
                UNION ALL
                SELECT s.* FROM projects p JOIN queues o ON o.project_id = p.id
                CROSS JOIN LATERAL ({Tasks} WHERE t.queue_id = o.id{tasksBefore} ORDER BY t.id DESC LIMIT @limit) s WHERE {wanted}) newest
            ORDER BY id DESC LIMIT @limit
            """,
            new { owner = caller.OwnerFilter, projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>A task; null when there is none that the caller reaches.</summary>
    public async Task<TaskViewRow?> FindAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<TaskViewRow>(new CommandDefinition(
                $"""
                SELECT * FROM (
                    {Jobs} WHERE j.id = @id AND j.deleted_at IS NULL UNION ALL {Tasks} WHERE t.id = @id UNION ALL {Imports} WHERE i.id = @id
                    UNION ALL {Reports} WHERE r.id = @id) s
                WHERE EXISTS (SELECT 1 FROM projects p WHERE p.id = s.project_id AND {Reachable})
                """,
                new { owner = caller.OwnerFilter, id },
                cancellationToken: cancellationToken));
    }
}

/// <summary>A row of the view.</summary>
internal sealed class TaskViewRow
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Kind { get; init; }

    public required string Name { get; init; }

    /// <summary>As the kind spells it.</summary>
    public required string Status { get; init; }

    public string? Reason { get; init; }

    public required string Link { get; init; }

    public double? Progress { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public PlatformTask ToContract() => new(Id, ProjectId, Kind, Name, State(), Kind == TaskReader.ImportKind ? Reason : Sentences.Told(Reason), Progress, Link, CreatedAt, StartedAt, EndedAt);

    /// <summary>Why a job or an import waits: its orchestration says so in words.</summary>
    public TaskWait ToWait(bool chinese) => new(
        Id,
        State() switch
        {
            TaskState.Pending when Status == "queued" => WaitReason.OnItsWay,
            TaskState.Pending when Status == "pending" => WaitReason.Turn,
            TaskState.Pending => Sentences.KeyOf(Reason) switch
            {
                JobAdmissions.Ahead => WaitReason.Turn,
                JobAdmissions.Dependency => WaitReason.Dependency,
                _ => WaitReason.NoCapacity,
            },
            TaskState.Running => WaitReason.Running,
            _ => WaitReason.Ended,
        },
        ErrorCatalog.Message("why.job", chinese, Kind, Status, Reason).TrimEnd());

    private TaskState State() => Kind switch
    {
        TaskReader.JobKind => Of(Enum.Parse<JobStatus>(Status, ignoreCase: true)),
        TaskReader.ImportKind => Of(Enum.Parse<DatasetImportStatus>(Status, ignoreCase: true)),
        TaskReader.ReportKind => Of(Enum.Parse<QualityReportStatus>(Status, ignoreCase: true)),
        _ => Of(Enum.Parse<QueueTaskStatus>(Status, ignoreCase: true)),
    };

    private static TaskState Of(DatasetImportStatus status) => status switch
    {
        DatasetImportStatus.Pending => TaskState.Pending,
        DatasetImportStatus.Running or DatasetImportStatus.Cancelling => TaskState.Running,
        DatasetImportStatus.Succeeded => TaskState.Succeeded,
        DatasetImportStatus.Failed => TaskState.Failed,
        DatasetImportStatus.Cancelled => TaskState.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };

    private static TaskState Of(QualityReportStatus status) => status switch
    {
        QualityReportStatus.Pending => TaskState.Pending,
        QualityReportStatus.Running => TaskState.Running,
        QualityReportStatus.Succeeded => TaskState.Succeeded,
        QualityReportStatus.Failed => TaskState.Failed,
        QualityReportStatus.Cancelled => TaskState.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };

    private static TaskState Of(JobStatus status) => status switch
    {
        JobStatus.Pending or JobStatus.Waiting or JobStatus.Queued => TaskState.Pending,
        JobStatus.Running or JobStatus.Retrying or JobStatus.Cancelling => TaskState.Running,
        JobStatus.Succeeded => TaskState.Succeeded,
        JobStatus.Failed => TaskState.Failed,
        JobStatus.Cancelled => TaskState.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };

    private static TaskState Of(QueueTaskStatus status) => status switch
    {
        QueueTaskStatus.Running => TaskState.Running,
        QueueTaskStatus.Succeeded => TaskState.Succeeded,
        QueueTaskStatus.DeadLettered => TaskState.Failed,
        QueueTaskStatus.Cancelled or QueueTaskStatus.Skipped => TaskState.Cancelled,
        QueueTaskStatus.Blocked or QueueTaskStatus.Scheduled or QueueTaskStatus.Limited or QueueTaskStatus.Ready or QueueTaskStatus.Queued => TaskState.Pending,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };
}
