using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>Writes tasks: all of a submission in one transaction, whatever their number, in a handful of statements.</summary>
internal sealed class TaskSubmission(Database database, QueueStore queues, TaskDispatcher dispatcher, TimeProvider time)
{
    /// <summary>Submits tasks to the queue of a project on a pool.</summary>
    /// <exception cref="ApiException">400 when a dependency, parent or package is not there; 409 when the queue drains.</exception>
    public Task<IReadOnlyList<SubmittedTask>> SubmitAsync(
        string projectId, string pool, string userId, IReadOnlyList<CheckedTask> tasks, CancellationToken cancellationToken)
        => database.InWorkAsync(work => SubmitAsync(work, projectId, pool, userId, tasks), cancellationToken);

    /// <summary>As the other overload, in a transaction that has begun.</summary>
    public async Task<IReadOnlyList<SubmittedTask>> SubmitAsync(UnitOfWork work, string projectId, string pool, string userId, IReadOnlyList<CheckedTask> tasks)
    {
        var now = time.GetUtcNow();
        var queue = await QueueStore.EnsureAsync(work, projectId, pool, now);
        if (queue.State == QueueState.Draining)
        {
            throw new ApiException(ErrorCodes.QueueDraining, $"{queue.Project}/{pool}");
        }

        var cancelled = await TaskReferences.RequireAsync(work, projectId, tasks);
        var ids = tasks.Select(_ => Ids.New(time)).ToArray();
        Array.Sort(ids, StringComparer.Ordinal); // Those of one millisecond are not in order.
        await InsertAsync(work, queue, userId, tasks, ids, cancelled, now);
        var submitted = tasks.Any(static task => task.Request.DeduplicationKey is not null)
            ? await ResolveDuplicatesAsync(work, queue.Id, tasks, ids, cancelled)
            : [.. ids.Select(static id => new SubmittedTask(id))];
        await TaskReferences.LinkAsync(work, tasks, submitted);
        Database.OnCommitted(dispatcher.Wake);
        return submitted;
    }

    private async Task InsertAsync(
        UnitOfWork work, QueueRow queue, string userId, IReadOnlyList<CheckedTask> tasks, string[] ids, IReadOnlySet<string> cancelled, DateTimeOffset now)
    {
        var flows = new long[tasks.Count];
        for (var i = 0; i < tasks.Count; i++)
        {
            var request = tasks[i].Request;
            flows[i] = await queues.FlowAsync(work, new FlowKey(queue.Id, TaskHandlers.LaneOf(request.Handler), userId, request.Priority));
        }

        await work.ExecuteAsync(
            """
            INSERT INTO queue_tasks (id, queue_id, flow_id, name, handler, payload, status, retry, timeout_seconds, ready_at, deadline_at,
                concurrency_key, concurrency_limit, deduplication_key, dependency_mode, parent_id, created_at, ended_at, reason, tree_cancelled)
            SELECT u.id, @queueId, u.flow_id, u.name, u.handler, u.payload::jsonb, u.status, u.retry::jsonb, u.timeout, u.ready_at, u.deadline,
                u.concurrency_key, u.concurrency_limit, u.deduplication_key, u.dependency_mode, u.parent_id, @now,
                CASE WHEN u.status = 'cancelled' THEN @now END, CASE WHEN u.status = 'cancelled' THEN 'parent' END, u.status = 'cancelled'
            FROM unnest(@ids, @flows, @names, @handlers, @payloads, @statuses, @retries, @timeouts, @readyAt, @deadlines,
                @concurrencyKeys, @concurrencyLimits, @deduplicationKeys, @modes, @parents)
                AS u (id, flow_id, name, handler, payload, status, retry, timeout, ready_at, deadline,
                    concurrency_key, concurrency_limit, deduplication_key, dependency_mode, parent_id)
            ON CONFLICT DO NOTHING
            """,
            new
            {
                queueId = queue.Id,
                now,
                ids,
                flows,
                names = Column(tasks, static task => task.Request.Name),
                handlers = Column(tasks, static task => task.Request.Handler),
                payloads = Column(tasks, static task => task.Payload),
                statuses = Column(tasks, task => Status(task, cancelled, now).ToText()),
                retries = Column(tasks, static task => task.Request.Retry is { } retry ? JsonSerializer.Serialize(retry, ContractsJson.Strict) : null),
                timeouts = tasks.Select(static task => task.Request.TimeoutSeconds).ToArray(),
                readyAt = tasks.Select(static task => task.ReadyAt.UtcDateTime).ToArray(),
                deadlines = tasks.Select(static task => task.Request.Deadline?.UtcDateTime).ToArray(),
                concurrencyKeys = Column(tasks, static task => task.Request.Concurrency?.Key),
                concurrencyLimits = tasks.Select(static task => task.Request.Concurrency?.Limit).ToArray(),
                deduplicationKeys = Column(tasks, static task => task.Request.DeduplicationKey),
                modes = Column(tasks, static task => task.IsBlocked ? task.Request.DependsOn!.Mode.ToText() : null),
                parents = Column(tasks, static task => task.Request.ParentId),
            });
    }

    private static string?[] Column(IReadOnlyList<CheckedTask> tasks, Func<CheckedTask, string?> value) => [.. tasks.Select(value)];

    private static bool IsBornCancelled(CheckedTask task, IReadOnlySet<string> cancelled) => task.Request.ParentId is { } parent && cancelled.Contains(parent);

    // A child of a cancelled tree is born as what it would become.
    private static QueueTaskStatus Status(CheckedTask task, IReadOnlySet<string> cancelled, DateTimeOffset now)
        => IsBornCancelled(task, cancelled) ? QueueTaskStatus.Cancelled
            : task.IsBlocked ? QueueTaskStatus.Blocked : task.ReadyAt > now ? QueueTaskStatus.Scheduled : QueueTaskStatus.Ready;

    // What was not inserted met a live task with its key: an earlier one, or one of this very submission.
    private static async Task<IReadOnlyList<SubmittedTask>> ResolveDuplicatesAsync(
        UnitOfWork work, long queueId, IReadOnlyList<CheckedTask> tasks, string[] ids, IReadOnlySet<string> cancelled)
    {
        var rows = await work.QueryAsync<KeyRow>(
            """
            SELECT id, deduplication_key FROM queue_tasks
            WHERE queue_id = @queueId AND deduplication_key = ANY(@keys) AND status IN ('blocked', 'scheduled', 'limited', 'ready', 'queued', 'running')
            """,
            new { queueId, keys = tasks.Select(static task => task.Request.DeduplicationKey).Where(static key => key is not null).Distinct().ToArray() });
        var live = rows.ToDictionary(static row => row.DeduplicationKey, static row => row.Id, StringComparer.Ordinal);
        return
        [
            .. tasks.Select((task, i) => task.Request.DeduplicationKey is not { } key || IsBornCancelled(task, cancelled) ? new SubmittedTask(ids[i])
                // It ended between the two statements: the caller tries again and gets a new one.
                : live.TryGetValue(key, out var id) ? new SubmittedTask(id, id != ids[i])
                : throw new ApiException(ErrorCodes.Unavailable) { RetryAfterSeconds = 1 }),
        ];
    }

    private sealed class KeyRow
    {
        public required string Id { get; init; }

        public required string DeduplicationKey { get; init; }
    }
}
