using System.Collections.Concurrent;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Compute.Queues;

/// <summary>Queues and their flows. A queue comes into being with its first use.</summary>
internal sealed class QueueStore(Database database, TimeProvider time) : IReach<QueueRow>
{
    private const int CountLimit = 10_000;
    private const int MaxKnownFlows = 10_000;

    // Flows are never deleted, so a known id stays right.
    private readonly ConcurrentDictionary<FlowKey, long> _flows = new();

    /// <summary>The queue of a project on a pool, created when it is missing.</summary>
    public static async Task<QueueRow> EnsureAsync(UnitOfWork work, string projectId, string pool, DateTimeOffset now)
    {
        if (await FindAsync(work, projectId, pool) is { } row)
        {
            return row;
        }

        await work.ExecuteAsync(
            "INSERT INTO queues (project_id, pool, created_at, updated_at) VALUES (@projectId, @pool, @now, @now) ON CONFLICT DO NOTHING", new { projectId, pool, now });
        return (await FindAsync(work, projectId, pool))!;
    }

    /// <summary>The id of a flow, created when it is missing.</summary>
    public async Task<long> FlowAsync(UnitOfWork work, FlowKey key)
    {
        if (_flows.TryGetValue(key, out var known))
        {
            return known;
        }

        var parameters = new { queueId = key.QueueId, lane = key.Lane.ToText(), userId = key.UserId, priority = (short)key.Priority };
        await work.ExecuteAsync(
            "INSERT INTO queue_flows (queue_id, lane, user_id, priority) VALUES (@queueId, @lane, @userId, @priority) ON CONFLICT DO NOTHING", parameters);
        var id = await work.SingleAsync<long>(
            "SELECT id FROM queue_flows WHERE queue_id = @queueId AND lane = @lane AND user_id = @userId AND priority = @priority", parameters);
        Database.OnCommitted(() =>
        {
            if (_flows.Count >= MaxKnownFlows)
            {
                _flows.Clear();
            }

            _flows[key] = id;
        });
        return id;
    }

    /// <summary>One more queue than asked for, by project and pool; of one project, or of all that the caller reaches.</summary>
    public async Task<IReadOnlyList<QueueRow>> ListAsync(string? projectId, Caller caller, string[]? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<QueueRow>(new CommandDefinition(
            $"""
            SELECT {QueueRow.Columns} FROM {QueueRow.From}
            WHERE {ProjectAccess.Reaches("q.project_id")} AND (@projectId::text IS NULL OR q.project_id = @projectId)
              AND (@afterProject::text IS NULL OR (q.project_id, q.pool) > (@afterProject, @afterPool::text))
            ORDER BY q.project_id, q.pool LIMIT @limit
            """,
            new { owner = caller.OwnerFilter, projectId, afterProject = after?[0], afterPool = after?[1], limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <inheritdoc />
    async Task<QueueRow> IReach<QueueRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var (project, pool) = (path.Text("project"), path.Text("pool"));
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<QueueRow>(new CommandDefinition(
                $"""
                SELECT {QueueRow.Columns} FROM {QueueRow.From}
                WHERE (p.id = @project OR p.name = @project) AND {ProjectAccess.Reaches("q.project_id")} AND q.pool = @pool
                """,
                new { project, pool, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("queue", $"{project}/{pool}");
    }

    /// <summary>Sets shares and limits.</summary>
    public Task<QueueRow> UpdateAsync(string projectId, string pool, UpdateQueueRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            projectId,
            pool,
            "weight = coalesce(@weight, weight), max_running = CASE WHEN @maxRunning = 0 THEN NULL ELSE coalesce(@maxRunning, max_running) END, "
                + "user_weights = coalesce(@userWeights::jsonb, user_weights)",
            new DynamicParameters(new
            {
                weight = request.Weight,
                maxRunning = request.MaxRunning,
                userWeights = request.UserWeights is { } weights ? JsonSerializer.Serialize(weights, ContractsJson.Strict) : null,
            }),
            cancellationToken);

    /// <summary>Pauses, resumes or drains.</summary>
    public Task<QueueRow> SetStateAsync(string projectId, string pool, QueueState state, CancellationToken cancellationToken)
        => ChangeAsync(projectId, pool, "state = @state", new DynamicParameters(new { state = state.ToText() }), cancellationToken);

    /// <summary>How many tasks are in the states that are not history. Counting is bounded.</summary>
    public async Task<IReadOnlyList<QueueCount>> CountAsync(long queueId, CancellationToken cancellationToken)
    {
        var states = Enum.GetValues<QueueTaskStatus>().Where(static status => !TaskStates.IsFinal(status) || status == QueueTaskStatus.DeadLettered).ToArray();
        // One branch for each state, so that each uses the partial index of its state.
        var sql = string.Join(" UNION ALL ", states.Select(static status =>
            $"SELECT '{status.ToText()}' AS status, count(*)::int AS count FROM (SELECT 1 FROM queue_tasks t WHERE {Source(status)} AND t.status = '{status.ToText()}' LIMIT @limit) s"));
        return await database.InWorkAsync<IReadOnlyList<QueueCount>>(
            async work =>
            {
                await work.ExecuteAsync(DispatchStore.IndexPlans, new { });
                var rows = await work.QueryAsync<CountRow>(sql, new { queueId, limit = CountLimit + 1 });
                return [.. rows.Where(static row => row.Count > 0).Select(static row => new QueueCount(row.Status, Math.Min(row.Count, CountLimit), row.Count > CountLimit))];
            },
            cancellationToken);
    }

    // What is in a state is found by that state's own partial index, never among all tasks of the queue.
    private static string Source(QueueTaskStatus status) => status switch
    {
        QueueTaskStatus.Ready => "t.flow_id IN (SELECT id FROM queue_flows WHERE queue_id = @queueId)",
        QueueTaskStatus.Queued or QueueTaskStatus.Running => "t.status IN ('queued', 'running') AND t.lease_until > '-infinity' AND t.queue_id + 0 = @queueId",
        _ => "t.queue_id = @queueId",
    };

    private Task<QueueRow> ChangeAsync(string projectId, string pool, string assignments, DynamicParameters parameters, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var queue = await EnsureAsync(work, projectId, pool, time.GetUtcNow());
                parameters.AddDynamicParams(new { id = queue.Id, now = time.GetUtcNow() });
                await work.ExecuteAsync($"UPDATE queues SET {assignments}, updated_at = @now WHERE id = @id", parameters);
                return (await FindAsync(work, projectId, pool))!;
            },
            cancellationToken);

    private static Task<QueueRow?> FindAsync(UnitOfWork work, string projectId, string pool)
        => work.FindAsync<QueueRow>($"SELECT {QueueRow.Columns} FROM {QueueRow.From} WHERE q.project_id = @projectId AND q.pool = @pool", new { projectId, pool });

    private sealed class CountRow
    {
        public QueueTaskStatus Status { get; init; }

        public int Count { get; init; }
    }
}

/// <summary>What makes a flow.</summary>
internal readonly record struct FlowKey(long QueueId, TaskLane Lane, string UserId, Contracts.Jobs.JobPriority Priority);
