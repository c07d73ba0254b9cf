using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Says why a task does not run: the first of the reasons, in the order in which the dispatcher meets them.</summary>
internal sealed class WaitExplanation(Database database, IOptions<QueueOptions> options, TimeProvider time)
{
    private const int MaxPosition = 10_000;
    private const int MaxDependencies = 20;

    /// <summary>Explains a task in one of the two languages.</summary>
    public async Task<TaskWait> ExplainAsync(QueueTaskRow task, bool chinese, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var view = new View(connection, task, chinese, cancellationToken);
        return task.Status switch
        {
            QueueTaskStatus.Running => view.Say(WaitReason.Running, task.Attempt, task.StartedAt),
            QueueTaskStatus.Queued => view.Say(WaitReason.OnItsWay),
            QueueTaskStatus.Blocked => await DependencyAsync(view),
            QueueTaskStatus.Scheduled when task.Attempt > 0 => view.Say(WaitReason.BackOff, task.Attempt, task.ErrorKind, task.ReadyAt) with { DueAt = task.ReadyAt },
            QueueTaskStatus.Scheduled => view.Say(WaitReason.Delay, task.ReadyAt) with { DueAt = task.ReadyAt },
            QueueTaskStatus.Limited => await ConcurrencyAsync(view),
            QueueTaskStatus.Ready => await TurnAsync(view),
            _ => task.Reason is null ? view.Say(WaitReason.Ended, task.Status.ToText()) : view.SayAs(WaitReason.Ended, "why.endedBecause", task.Status.ToText(), task.Reason),
        };
    }

    private static async Task<TaskWait> DependencyAsync(View view)
    {
        var rows = (await view.QueryAsync<DependencyRow>(
            """
            SELECT t.id, t.status, count(*) FILTER (WHERE t.status NOT IN ('succeeded', 'deadLettered', 'cancelled', 'skipped')) OVER ()::int AS open
            FROM queue_task_dependencies d JOIN queue_tasks t ON t.id = d.depends_on WHERE d.task_id = @id
            ORDER BY t.status IN ('succeeded', 'deadLettered', 'cancelled', 'skipped'), t.id LIMIT @MaxDependencies
            """,
            new { id = view.Task.Id, MaxDependencies })).AsList();
        return view.Say(WaitReason.Dependency, rows.FirstOrDefault()?.Open ?? 0, rows.FirstOrDefault()?.Id) with
        {
            Dependencies = [.. rows.Select(static row => new TaskWaitDependency(row.Id, row.Status))],
        };
    }

    private static async Task<TaskWait> ConcurrencyAsync(View view)
    {
        var active = await view.CountAsync(
            "SELECT count(*)::int FROM queue_tasks WHERE queue_id = @queueId AND concurrency_key = @key AND status IN ('queued', 'running')",
            new { queueId = view.Task.QueueId, key = view.Task.ConcurrencyKey });
        var limit = view.Task.ConcurrencyLimit ?? 1;
        return view.Say(WaitReason.Concurrency, active, limit, view.Task.ConcurrencyKey) with { Limit = new TaskWaitLimit(view.Task.ConcurrencyKey, limit, active) };
    }

    private async Task<TaskWait> TurnAsync(View view)
    {
        var task = view.Task;
        var now = time.GetUtcNow();
        var ahead = await view.CountAsync(
            """
            SELECT count(*)::int FROM (SELECT 1 FROM queue_tasks
                WHERE flow_id = @flowId AND status = 'ready' AND (ready_at, id) < (@readyAt, @id) LIMIT @MaxPosition) s
            """,
            new { flowId = task.FlowId, readyAt = task.ReadyAt, id = task.Id, MaxPosition });
        var capacity = (await view.QueryAsync<CapacityRow>(
            """
            SELECT @pool AS pool, @lane AS lane, count(*)::int AS workers, coalesce(sum(slots), 0)::int AS slots
            FROM queue_workers WHERE pool = @pool AND lane = @lane AND last_seen_at > @since
            """,
            new { pool = task.Pool, lane = task.Lane.ToText(), since = now - options.Value.WorkerLease })).Single();
        var active = await view.CountAsync(
            "SELECT coalesce(sum(f.active), 0)::int FROM queue_flows f JOIN queues q ON q.id = f.queue_id WHERE q.pool = @pool AND f.lane = @lane AND f.active <> 0",
            new { pool = task.Pool, lane = task.Lane.ToText() });
        var ofQueue = await view.CountAsync("SELECT coalesce(sum(active), 0)::int FROM queue_flows WHERE queue_id = @queueId", new { queueId = task.QueueId });
        var text = task switch
        {
            { QueueState: QueueState.Paused } => view.Say(WaitReason.Paused),
            { MaxRunning: { } limit } when ofQueue >= limit => view.Say(WaitReason.Quota, ofQueue) with { Limit = new TaskWaitLimit(null, limit, ofQueue) },
            _ when capacity.Slots == 0 => view.Say(WaitReason.NoCapacity, task.Pool),
            _ when active < capacity.Slots => view.SayAs(WaitReason.Turn, "why.turnFree", task.Pool, capacity.Slots - active, capacity.Slots, ahead + 1),
            _ => view.Say(WaitReason.Turn, task.Pool, capacity.Slots, ahead + 1),
        };
        return text with
        {
            Position = ahead + 1,
            PositionAtLeast = ahead == MaxPosition,
            Overdue = FairShare.IsOverdue((JobPriority)task.Priority, now - task.ReadyAt, options.Value.AgeingStep),
            DueAt = task.ReadyAt,
            Capacity = new TaskWaitCapacity(capacity.Workers, capacity.Slots, active),
        };
    }

    private sealed record View(Npgsql.NpgsqlConnection Connection, QueueTaskRow Task, bool Chinese, CancellationToken Token)
    {
        public TaskWait Say(WaitReason reason, params object?[] arguments) => SayAs(reason, $"why.{reason.ToText()}", arguments);

        public TaskWait SayAs(WaitReason reason, string key, params object?[] arguments) => new(Task.Id, reason, ErrorCatalog.Message(key, Chinese, arguments));

        public Task<IEnumerable<T>> QueryAsync<T>(string sql, object parameters)
            => Connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: Token));

        public Task<int> CountAsync(string sql, object parameters)
            => Connection.ExecuteScalarAsync<int>(new CommandDefinition(sql, parameters, cancellationToken: Token));
    }

    private sealed class DependencyRow
    {
        public required string Id { get; init; }

        public QueueTaskStatus Status { get; init; }

        public int Open { get; init; }
    }
}
