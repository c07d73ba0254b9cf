using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;
using Prometheus;

namespace AiPlatform.Compute.Queues;

/// <summary>What the end of an attempt means: success, a repeat after the back-off, or the dead letters.</summary>
internal sealed class TaskOutcomes(IOptions<QueueOptions> options, TimeProvider time)
{
    public const string Timeout = "timeout";
    public const string Lost = "lost";
    public const string Deadline = "deadline";
    private static readonly Counter Ended = Metrics.CreateCounter("aiplatform_tasks_ended_total", "Ends of attempts.", "outcome");

    /// <summary>Takes ends in, and counts them. Returns how many there were. The transaction has <see cref="DispatchStore.IndexPlans"/>.</summary>
    public async Task<int> ApplyAsync(UnitOfWork work, IReadOnlyList<TaskCompletion> completions)
    {
        var ended = await TakeInAsync(work, completions);
        await DispatchStore.CountAsync(work, ended.CountBy(static row => row.FlowId).Select(static flow => (flow.Key, -flow.Value)));
        return ended.Count;
    }

    /// <summary>Takes ends in; what does not belong to the running attempt of its task is left out. Their flows are not told yet.</summary>
    public async Task<List<EndedRow>> TakeInAsync(UnitOfWork work, IReadOnlyList<TaskCompletion> completions)
    {
        var ended = await SucceedAsync(work, [.. completions.Where(static completion => completion.Outcome == TaskOutcome.Succeeded)]);
        ended.AddRange(await EndAsync(work, [.. completions.Where(static completion => completion.Outcome != TaskOutcome.Succeeded)]));
        await ReleaseKeysAsync(work, ended);
        return ended;
    }

    /// <summary>Ends attempts otherwise than well: by the rule of each task.</summary>
    public async Task<List<EndedRow>> EndAsync(UnitOfWork work, IReadOnlyList<TaskCompletion> completions)
    {
        if (completions.Count == 0)
        {
            return [];
        }

        var rows = await work.QueryAsync<EndedRow>(
            """
            SELECT t.id, t.fence, t.flow_id, t.queue_id, t.concurrency_key, t.attempt, t.retry::text AS retry, t.cancel_requested, t.deadline_at
            FROM queue_tasks t JOIN unnest(@ids, @fences) AS u (id, fence) ON t.id = u.id AND t.fence = u.fence
            WHERE t.status = 'running' ORDER BY t.id FOR NO KEY UPDATE OF t
            """,
            new { ids = completions.Select(static item => item.TaskId).ToArray(), fences = completions.Select(static item => item.Fence).ToArray() });
        var reports = completions.DistinctBy(static item => (item.TaskId, item.Fence)).ToDictionary(static item => (item.TaskId, item.Fence));
        var steps = rows.ConvertAll(row => Decide(row, reports[(row.Id, row.Fence)]));
        steps.ForEach(static step => TaskStates.Require(QueueTaskStatus.Running, step.Status));
        await work.ExecuteAsync(
            """
            UPDATE queue_tasks t SET status = u.status, reason = u.reason, error_kind = u.kind, ready_at = coalesce(u.ready_at, t.ready_at),
                attempt = t.attempt - u.uncounted, lease_until = NULL, worker_id = CASE WHEN u.final THEN t.worker_id END,
                ended_at = CASE WHEN u.final THEN @now END, unsettled = u.final AND t.has_dependents
            FROM unnest(@ids, @statuses, @reasons, @kinds, @readyAt, @uncounted, @finals) AS u (id, status, reason, kind, ready_at, uncounted, final)
            WHERE t.id = u.id
            """,
            new
            {
                now = time.GetUtcNow(),
                ids = steps.Select(static step => step.Id).ToArray(),
                statuses = steps.Select(static step => step.Status.ToText()).ToArray(),
                reasons = steps.Select(static step => step.Reason).ToArray(),
                kinds = steps.Select(static step => step.ErrorKind).ToArray(),
                readyAt = steps.Select(static step => step.ReadyAt?.UtcDateTime).ToArray(),
                uncounted = steps.Select(static step => step.Uncounted ? 1 : 0).ToArray(),
                finals = steps.Select(static step => TaskStates.IsFinal(step.Status)).ToArray(),
            });
        steps.ForEach(static step => Ended.WithLabels(step.Status.ToText()).Inc());
        return rows;
    }

    /// <summary>Lets tasks go on that waited for the concurrency keys of tasks that ended.</summary>
    public static async Task ReleaseKeysAsync(UnitOfWork work, IEnumerable<EndedRow> ended)
    {
        var keys = ended.Where(static row => row.ConcurrencyKey is not null).CountBy(static row => (row.QueueId, Key: row.ConcurrencyKey!)).ToList();
        if (keys.Count > 0)
        {
            await work.ExecuteAsync(
                """
                UPDATE queue_tasks SET status = 'ready' WHERE id IN (
                    SELECT c.id FROM unnest(@queues, @names, @counts) AS k (queue_id, name, count) CROSS JOIN LATERAL (
                        SELECT t.id FROM queue_tasks t WHERE t.status = 'limited' AND t.queue_id = k.queue_id AND t.concurrency_key = k.name
                        ORDER BY t.ready_at LIMIT k.count FOR NO KEY UPDATE SKIP LOCKED) c)
                """,
                new
                {
                    queues = keys.Select(static key => key.Key.QueueId).ToArray(),
                    names = keys.Select(static key => key.Key.Key).ToArray(),
                    counts = keys.Select(static key => key.Value).ToArray(),
                });
        }
    }

    private async Task<List<EndedRow>> SucceedAsync(UnitOfWork work, IReadOnlyList<TaskCompletion> completions)
    {
        if (completions.Count == 0)
        {
            return [];
        }

        var rows = await work.QueryAsync<EndedRow>(
            """
            UPDATE queue_tasks t SET status = 'succeeded', result = u.result::jsonb, progress = 1, ended_at = @now, lease_until = NULL,
                reason = NULL, error_kind = NULL, unsettled = t.has_dependents
            FROM unnest(@ids, @fences, @results) AS u (id, fence, result)
            WHERE t.id = u.id AND t.fence = u.fence AND t.status = 'running'
            RETURNING t.id, t.flow_id, t.queue_id, t.concurrency_key
            """,
            new
            {
                now = time.GetUtcNow(),
                ids = completions.Select(static item => item.TaskId).ToArray(),
                fences = completions.Select(static item => item.Fence).ToArray(),
                results = completions.Select(static item => item.Result?.GetRawText()).ToArray(),
            });
        Ended.WithLabels("succeeded").Inc(rows.Count);
        return rows;
    }

    /// <summary>A report as it can be stored; one that cannot be is the failure of its own attempt.</summary>
    public TaskCompletion Storable(TaskCompletion completion) => TaskCompletionRule.Storable(completion, options.Value.MaxPayloadBytes);

    private Step Decide(EndedRow row, TaskCompletion report)
    {
        var now = time.GetUtcNow();
        var reason = report.Error;
        var kind = report.ErrorKind ?? "error";
        if (row.CancelRequested)
        {
            return new Step(row.Id, QueueTaskStatus.Cancelled, reason ?? "cancelled", null, null);
        }

        if (row.DeadlineAt <= now)
        {
            return new Step(row.Id, QueueTaskStatus.DeadLettered, reason ?? Deadline, Deadline, null);
        }

        if (report.Outcome == TaskOutcome.GivenBack)
        {
            return new Step(row.Id, QueueTaskStatus.Ready, null, null, null, Uncounted: true);
        }

        return RetryRule.NextDelay(QueueTaskRow.ParseRetry(row.Retry), row.Attempt, kind, Random.Shared.NextDouble()) is { } delay
            ? new Step(row.Id, QueueTaskStatus.Scheduled, reason, kind, now + delay)
            : new Step(row.Id, QueueTaskStatus.DeadLettered, reason, kind, null);
    }

    private sealed record Step(string Id, QueueTaskStatus Status, string? Reason, string? ErrorKind, DateTimeOffset? ReadyAt, bool Uncounted = false);
}

/// <summary>A task whose attempt ended.</summary>
internal sealed class EndedRow
{
    public required string Id { get; init; }

    public int Fence { get; init; }

    public long FlowId { get; init; }

    public long QueueId { get; init; }

    public string? ConcurrencyKey { get; init; }

    public int Attempt { get; init; }

    public string? Retry { get; init; }

    public bool CancelRequested { get; init; }

    public DateTimeOffset? DeadlineAt { get; init; }
}
