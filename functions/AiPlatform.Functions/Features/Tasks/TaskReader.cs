using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Functions.Infrastructure;
using Dapper;

namespace AiPlatform.Functions.Features.Tasks;

/// <summary>A read-only view over long operations of every kind; today those are jobs.</summary>
internal sealed class TaskReader(Database database)
{
    private const string Select = """
        SELECT t.* FROM (
            SELECT j.id, j.project_id, 'trainingJob' AS kind, j.name, j.status, j.status_reason AS reason, '/v1/jobs/' || j.id AS link,
                   j.created_at, j.started_at, j.ended_at
            FROM jobs j WHERE j.deleted_at IS NULL) t
        JOIN projects p ON p.id = t.project_id AND p.deleted_at IS NULL AND (@owner::text IS NULL OR p.owner_id = @owner)
        """;

    /// <summary>One more task than asked for, newest first; of one project, or of all that the caller reaches.</summary>
    public async Task<IEnumerable<TaskRow>> ListAsync(string? projectId, Caller caller, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<TaskRow>(new CommandDefinition(
            $"{Select} WHERE (@projectId::text IS NULL OR t.project_id = @projectId) AND (@after::text IS NULL OR t.id < @after) ORDER BY t.id DESC LIMIT @limit",
            new { owner = caller.OwnerFilter, projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>A task.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<TaskRow> GetAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<TaskRow>(new CommandDefinition(
                $"{Select} WHERE t.id = @id", new { owner = caller.OwnerFilter, id }, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("task", id);
    }
}

/// <summary>A row of the view.</summary>
internal sealed class TaskRow
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Kind { get; init; }

    public required string Name { get; init; }

    public JobStatus Status { get; init; }

    public string? Reason { get; init; }

    public required string Link { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public PlatformTask ToContract() => new(Id, ProjectId, Kind, Name, State(Status), Reason, Status == JobStatus.Succeeded ? 1 : null, Link, CreatedAt, StartedAt, EndedAt);

    private static TaskState State(JobStatus status) => status switch
    {
        JobStatus.Pending or JobStatus.Waiting or JobStatus.Queued => TaskState.Pending,
        JobStatus.Running or JobStatus.Retrying or JobStatus.Cancelling => TaskState.Running,
        JobStatus.Succeeded => TaskState.Succeeded,
        JobStatus.Failed => TaskState.Failed,
        JobStatus.Cancelled => TaskState.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };
}
