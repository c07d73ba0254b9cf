using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Compute.Queues;

/// <summary>Reads tasks.</summary>
internal sealed class TaskStore(Database database) : IReach<QueueTaskRow>
{
    /// <summary>A task that the caller reaches; null when there is none.</summary>
    public async Task<QueueTaskRow?> FindAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<QueueTaskRow>(new CommandDefinition(
            $"SELECT {QueueTaskRow.Columns} FROM {QueueTaskRow.From} WHERE t.id = @id AND {ProjectAccess.Reaches("q.project_id")}", new { id, owner = caller.OwnerFilter }, cancellationToken: cancellationToken));
    }

    /// <summary>A task that the caller reaches.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<QueueTaskRow> RequireAsync(string id, Caller caller, CancellationToken cancellationToken)
        => await FindAsync(id, caller, cancellationToken) ?? throw ApiException.NotFound("task", id);

    /// <summary>A task, whoever asks; null when there is none.</summary>
    public async Task<QueueTaskRow?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<QueueTaskRow>(new CommandDefinition(
            $"SELECT {QueueTaskRow.Columns} FROM {QueueTaskRow.From} WHERE t.id = @id", new { id }, cancellationToken: cancellationToken));
    }

    /// <inheritdoc />
    async Task<QueueTaskRow> IReach<QueueTaskRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var (id, project) = (path.Text("task"), path.Text("project"));
        return await FindAsync(id, caller, cancellationToken) is { } row && row.Pool == path.Text("pool") && (row.Project == project || row.ProjectId == project)
            ? row
            : throw ApiException.NotFound("task", id);
    }

    /// <summary>One more task of a queue than asked for, newest first.</summary>
    public async Task<IReadOnlyList<QueueTaskRow>> ListAsync(
        long queueId, QueueTaskStatus? status, JobPriority? priority, string? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        // Conditions are written out, so that each list has a plan of its own.
        var conditions = (status is null ? "" : $" AND t.status = '{status.Value.ToText()}'")
            + (priority is null ? "" : " AND f.priority = @priority")
            + (before is null ? "" : " AND t.id < @before");
        return (await connection.QueryAsync<QueueTaskRow>(new CommandDefinition(
            $"SELECT {QueueTaskRow.Columns} FROM {QueueTaskRow.From} WHERE t.queue_id = @queueId{conditions} ORDER BY t.id DESC LIMIT @limit",
            new { queueId, priority = (short?)priority, before, limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }
}
