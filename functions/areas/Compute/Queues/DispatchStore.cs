using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Compute.Queues;

/// <summary>The statements of a dispatch round. All of them run under one advisory lock: one round at a time in the whole platform.</summary>
internal static class DispatchStore
{
    /// <summary>Flows looked at in one round.</summary>
    private const int MaxFlows = 5_000;

    /// <summary>Tasks whose time has come that one round moves into line.</summary>
    private const int MaxDue = 2_000;

    /// <summary>Dependents that are settled within the report of the tasks that they waited for; more are left to the dispatcher.</summary>
    private const int MaxDependents = 500;

    // Any constant that no other user of the database takes.
    private const long DispatchLock = 0x7461_736b_7175;

    /// <summary>
    /// Index plans, whatever the statistics of a table say that was empty a moment ago. For the transaction of a hot statement.
    /// Where only a scan is possible its cost becomes huge, which would make PostgreSQL compile the statement for longer than it runs.
    /// </summary>
    public const string IndexPlans = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off;";

    /// <summary>Takes the lock. What settles dependents takes it first, or two of them could wait for each other.</summary>
    public static Task<List<string>> LockAsync(UnitOfWork work) => work.QueryAsync<string>($"{IndexPlans} SELECT pg_advisory_xact_lock(@DispatchLock)::text", new { DispatchLock });

    /// <summary>Takes the lock when these tasks have dependents, few enough to be settled at once; says what the worker serves, or null.</summary>
    public static async Task<WorkerRow?> LockForDependentsAsync(UnitOfWork work, string worker, IReadOnlyList<string> ended)
        => (await work.QueryAsync<WorkerRow>(
            $"""
            {IndexPlans}
            SELECT w.pool, w.lane, CASE WHEN d.count BETWEEN 1 AND @MaxDependents THEN pg_advisory_xact_lock(@DispatchLock)::text END IS NOT NULL AS is_locked
            FROM (SELECT count(*) FROM (SELECT FROM queue_task_dependencies WHERE depends_on = ANY(@ended) LIMIT @MaxDependents + 1) few) d
                JOIN queue_workers w ON w.id = @worker
            """,
            new { worker, ended, MaxDependents, DispatchLock })).SingleOrDefault(static row => row.IsLocked);

    /// <summary>Moves tasks whose time has come into line, and reads what the decision needs. The lock is held.</summary>
    /// <param name="ended">How many tasks of flows have ended in this transaction and are not counted yet.</param>
    public static async Task<DispatchState> ReadAsync(UnitOfWork work, IReadOnlyDictionary<long, int> ended, DateTimeOffset now, DateTimeOffset workersSince)
    {
        await using var results = await work.Connection.QueryMultipleAsync(new CommandDefinition(
            """
            WITH moved AS (
                UPDATE queue_tasks SET status = 'ready' WHERE id IN
                    (SELECT id FROM queue_tasks WHERE status = 'scheduled' AND ready_at <= @now ORDER BY ready_at LIMIT @MaxDue FOR UPDATE SKIP LOCKED)
                RETURNING 1)
            SELECT count(*)::int FROM moved;
            WITH RECURSIVE heads AS (
                (SELECT flow_id, ready_at FROM queue_tasks WHERE status = 'ready' ORDER BY flow_id, ready_at, id LIMIT 1)
                UNION ALL
                SELECT n.flow_id, n.ready_at FROM heads h CROSS JOIN LATERAL (
                    SELECT t.flow_id, t.ready_at FROM queue_tasks t
                    WHERE t.status = 'ready' AND t.flow_id > h.flow_id ORDER BY t.flow_id, t.ready_at, t.id LIMIT 1) n)
            SELECT f.id AS flow_id, f.queue_id, f.lane, f.user_id, f.priority, q.pool, q.project_id, q.state AS queue_state, q.weight, q.max_running,
                coalesce((q.user_weights ->> f.user_id)::double precision, 1) AS user_weight, h.ready_at
            FROM (SELECT * FROM heads LIMIT @MaxFlows) h JOIN queue_flows f ON f.id = h.flow_id JOIN queues q ON q.id = f.queue_id;
            SELECT q.pool, f.lane, f.queue_id, sum(f.active - coalesce(e.count, 0))::int AS active FROM queue_flows f JOIN queues q ON q.id = f.queue_id
                LEFT JOIN unnest(@flows, @counts) AS e (flow_id, count) ON e.flow_id = f.id
            WHERE f.active <> 0 GROUP BY q.pool, f.lane, f.queue_id;
            SELECT pool, lane, count(*)::int AS workers, sum(slots)::int AS slots FROM queue_workers WHERE last_seen_at > @workersSince GROUP BY pool, lane;
            SELECT pool, lane, project_id, user_id, finish, clock FROM queue_shares;
            SELECT min(ready_at) FROM queue_tasks WHERE status = 'scheduled';
            SELECT EXISTS (SELECT 1 FROM queue_tasks WHERE unsettled);
            """,
            new { flows = ended.Keys.ToArray(), counts = ended.Values.ToArray(), MaxDue, MaxFlows, now, workersSince },
            work.Transaction,
            cancellationToken: work.Token));
        var moved = await results.ReadSingleAsync<int>();
        return new DispatchState(
            [.. await results.ReadAsync<FlowRow>()],
            [.. await results.ReadAsync<ActiveRow>()],
            [.. await results.ReadAsync<CapacityRow>()],
            [.. await results.ReadAsync<ShareRow>()],
            await results.ReadSingleAsync<DateTime?>() is { } due ? new DateTimeOffset(due) : null,
            moved == MaxDue,
            await results.ReadSingleAsync<bool>());
    }

    /// <summary>The first tasks of flows.</summary>
    public static Task<List<CandidateRow>> CandidatesAsync(UnitOfWork work, IReadOnlyDictionary<long, int> grants)
        => work.QueryAsync<CandidateRow>(
            """
            SELECT c.id, g.flow_id, c.queue_id, c.concurrency_key, c.concurrency_limit
            FROM unnest(@flows, @counts) AS g (flow_id, count) CROSS JOIN LATERAL (
                SELECT id, queue_id, concurrency_key, concurrency_limit FROM queue_tasks t
                WHERE t.flow_id = g.flow_id AND t.status = 'ready' ORDER BY t.ready_at, t.id LIMIT g.count) c
            """,
            new { flows = grants.Keys.ToArray(), counts = grants.Values.ToArray() });

    /// <summary>Whether any task could run, were there room for it.</summary>
    public static async Task<bool> IsAnyReadyAsync(UnitOfWork work)
        => (await work.QueryAsync<bool>("SELECT EXISTS (SELECT 1 FROM queue_tasks WHERE status = 'ready')", new { }))[0];

    /// <summary>How many tasks with these keys are released or run.</summary>
    public static async Task<Dictionary<(long, string), int>> ActiveByKeyAsync(UnitOfWork work, IEnumerable<(long QueueId, string Key)> keys)
    {
        var list = keys.ToList();
        var rows = await work.QueryAsync<KeyRow>(
            """
            SELECT k.queue_id, k.concurrency_key, (SELECT count(*)::int FROM queue_tasks t
                WHERE t.queue_id = k.queue_id AND t.concurrency_key = k.concurrency_key AND t.status IN ('queued', 'running')) AS active
            FROM unnest(@queues, @names) AS k (queue_id, concurrency_key)
            """,
            new { queues = list.Select(static key => key.QueueId).ToArray(), names = list.Select(static key => key.Key).ToArray() });
        return rows.ToDictionary(static row => (row.QueueId, row.ConcurrencyKey), static row => row.Active);
    }

    /// <summary>Marks tasks as released and returns those that still could be; sets others aside until their concurrency key is free.</summary>
    public static async Task<List<ReleasedRow>> ReleaseAsync(UnitOfWork work, IReadOnlyList<string> release, IReadOnlyList<string> limited, DateTimeOffset leaseUntil)
    {
        if (limited.Count > 0)
        {
            await work.ExecuteAsync("UPDATE queue_tasks SET status = 'limited' WHERE id = ANY(@limited) AND status = 'ready'", new { limited });
        }

        return await work.QueryAsync<ReleasedRow>(
            """
            UPDATE queue_tasks t SET status = 'queued', fence = t.fence + 1, lease_until = @leaseUntil
            FROM unnest(@release) AS u (id) WHERE t.id = u.id AND t.status = 'ready'
            RETURNING t.id, t.fence, t.flow_id
            """,
            new { release, leaseUntil });
    }

    /// <summary>Adds to the counters of released and running tasks.</summary>
    public static async Task CountAsync(UnitOfWork work, IEnumerable<(long FlowId, int Change)> changes)
    {
        var list = changes.Where(static change => change.Change != 0).OrderBy(static change => change.FlowId).ToList();
        if (list.Count > 0)
        {
            await work.ExecuteAsync(
                "UPDATE queue_flows f SET active = f.active + u.change FROM unnest(@flows, @changes) AS u (flow_id, change) WHERE f.id = u.flow_id",
                new { flows = list.Select(static change => change.FlowId).ToArray(), changes = list.Select(static change => change.Change).ToArray() });
        }
    }

    /// <summary>Stores virtual times.</summary>
    public static Task SaveSharesAsync(UnitOfWork work, IReadOnlyList<ShareRow> shares)
        => work.ExecuteAsync(
            """
            INSERT INTO queue_shares (pool, lane, project_id, user_id, finish, clock)
            SELECT * FROM unnest(@pools, @lanes, @projects, @users, @finishes, @clocks)
            ON CONFLICT (pool, lane, project_id, user_id) DO UPDATE SET finish = excluded.finish, clock = excluded.clock
            """,
            new
            {
                pools = shares.Select(static share => share.Pool).ToArray(),
                lanes = shares.Select(static share => share.Lane.ToText()).ToArray(),
                projects = shares.Select(static share => share.ProjectId).ToArray(),
                users = shares.Select(static share => share.UserId).ToArray(),
                finishes = shares.Select(static share => share.Finish).ToArray(),
                clocks = shares.Select(static share => share.Clock).ToArray(),
            });

    /// <summary>Puts released tasks that no worker has back in line; later releases get a new fence.</summary>
    public static async Task ReturnAsync(UnitOfWork work, IReadOnlyList<TaskMessage> tasks)
    {
        var flows = await work.QueryAsync<long>(
            """
            UPDATE queue_tasks t SET status = 'ready', lease_until = NULL FROM unnest(@ids, @fences) AS u (id, fence)
            WHERE t.id = u.id AND t.fence = u.fence AND t.status = 'queued' RETURNING t.flow_id
            """,
            new { ids = tasks.Select(static task => task.TaskId).ToArray(), fences = tasks.Select(static task => task.Fence).ToArray() });
        await CountAsync(work, flows.CountBy(static flow => flow).Select(static flow => (flow.Key, -flow.Value)));
    }

    private sealed class KeyRow
    {
        public long QueueId { get; init; }

        public required string ConcurrencyKey { get; init; }

        public int Active { get; init; }
    }
}

/// <summary>What a round decides on.</summary>
/// <param name="NextDue">When the next scheduled task is due.</param>
/// <param name="MoreDue">More scheduled tasks are due than one round moves.</param>
/// <param name="Unsettled">Tasks have ended whose dependents have not been looked at.</param>
internal sealed record DispatchState(
    IReadOnlyList<FlowRow> Flows, IReadOnlyList<ActiveRow> Active, IReadOnlyList<CapacityRow> Capacity, IReadOnlyList<ShareRow> Shares,
    DateTimeOffset? NextDue, bool MoreDue, bool Unsettled);

/// <summary>A flow with tasks in line.</summary>
internal sealed class FlowRow
{
    public long FlowId { get; init; }

    public long QueueId { get; init; }

    public required string Pool { get; init; }

    public TaskLane Lane { get; init; }

    public required string ProjectId { get; init; }

    public required string UserId { get; init; }

    public short Priority { get; init; }

    public QueueState QueueState { get; init; }

    public double Weight { get; init; }

    public double UserWeight { get; init; }

    public int? MaxRunning { get; init; }

    public DateTimeOffset ReadyAt { get; init; }

    /// <summary>As the policy sees it.</summary>
    public FlowHead Head(int room) => new(FlowId, QueueId, ProjectId, UserId, (JobPriority)Priority, Weight, UserWeight, ReadyAt, room);
}

/// <summary>Released and running tasks of a queue in one lane.</summary>
internal sealed class ActiveRow
{
    public required string Pool { get; init; }

    public TaskLane Lane { get; init; }

    public long QueueId { get; init; }

    public int Active { get; init; }
}

/// <summary>The workers online for a pool's lane.</summary>
internal sealed class CapacityRow
{
    public required string Pool { get; init; }

    public TaskLane Lane { get; init; }

    public int Workers { get; init; }

    public int Slots { get; init; }
}

/// <summary>What a worker serves.</summary>
internal sealed class WorkerRow
{
    public required string Pool { get; init; }

    public TaskLane Lane { get; init; }

    /// <summary>Whether the lock was taken.</summary>
    public bool IsLocked { get; init; }
}

/// <summary>A stored virtual time.</summary>
internal sealed class ShareRow
{
    public required string Pool { get; init; }

    public TaskLane Lane { get; init; }

    public required string ProjectId { get; init; }

    public required string UserId { get; init; }

    public double Finish { get; init; }

    public double Clock { get; init; }
}

/// <summary>A task that may be released.</summary>
internal sealed class CandidateRow
{
    public required string Id { get; init; }

    public long FlowId { get; init; }

    public long QueueId { get; init; }

    public string? ConcurrencyKey { get; init; }

    public int? ConcurrencyLimit { get; init; }
}

/// <summary>A task that was released.</summary>
internal sealed class ReleasedRow
{
    public required string Id { get; init; }

    public int Fence { get; init; }

    public long FlowId { get; init; }
}
