using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>Edits, replays and discards tasks that failed for good.</summary>
internal sealed class DeadLetters(Database database, TaskDispatcher dispatcher, TimeProvider time)
{
    /// <summary>The most tasks that one call replays.</summary>
    public const int MaxReplay = 10_000;

    private const int MaxDependents = 100_000;

    /// <summary>Changes a dead letter.</summary>
    /// <exception cref="ApiException">409: it is none any more.</exception>
    public Task<QueueTaskRow> EditAsync(QueueTaskRow task, string? payload, EditDeadLetterRequest request, CancellationToken cancellationToken)
        => RequireOneAsync(
            task,
            """
            UPDATE queue_tasks SET payload = coalesce(@payload::jsonb, payload), retry = coalesce(@retry::jsonb, retry),
                timeout_seconds = coalesce(@timeout, timeout_seconds)
            WHERE id = @id AND status = 'deadLettered'
            """,
            new
            {
                id = task.Id,
                payload,
                retry = request.Retry is { } retry ? JsonSerializer.Serialize(retry, ContractsJson.Strict) : null,
                timeout = request.TimeoutSeconds,
            },
            "edited",
            cancellationToken);

    /// <summary>Gives a dead letter up.</summary>
    /// <exception cref="ApiException">409: it is none any more.</exception>
    public Task DiscardAsync(QueueTaskRow task, CancellationToken cancellationToken)
        => RequireOneAsync(
            task, "UPDATE queue_tasks SET status = 'cancelled', ended_at = @now WHERE id = @id AND status = 'deadLettered'", new { id = task.Id, now = time.GetUtcNow() },
            QueueTaskStatus.Cancelled.ToText(), cancellationToken);

    /// <summary>
    /// Puts dead letters back in line with all their attempts before them. They give up their deduplication key, which a newer task may
    /// have, and a deadline that has passed. So do, if asked for, the tasks that were skipped because of them, which wait again.
    /// </summary>
    public async Task<ReplayedTasks> ReplayAsync(long queueId, IReadOnlyList<string>? ids, bool dependents, CancellationToken cancellationToken)
    {
        var result = await database.InWorkAsync(
            async work =>
            {
                var now = time.GetUtcNow();
                var replayed = await work.QueryAsync<string>(
                    $"""
                    UPDATE queue_tasks SET status = 'ready', attempt = 0, ready_at = @now, deduplication_key = NULL, reason = NULL, error_kind = NULL, progress = NULL,
                        worker_id = NULL, started_at = NULL, ended_at = NULL, cancel_requested = false, tree_cancelled = false,
                        deadline_at = CASE WHEN deadline_at > @now THEN deadline_at END
                    WHERE id IN (SELECT id FROM queue_tasks WHERE queue_id = @queueId AND status = 'deadLettered'{(ids is null ? "" : " AND id = ANY(@ids)")}
                        ORDER BY id LIMIT @MaxReplay FOR NO KEY UPDATE SKIP LOCKED)
                    RETURNING id
                    """,
                    new { queueId, ids, now, MaxReplay });
                var waiting = dependents ? await WaitAgainAsync(work, replayed, now) : 0;
                var more = await work.SingleAsync<bool>("SELECT EXISTS (SELECT 1 FROM queue_tasks WHERE queue_id = @queueId AND status = 'deadLettered')", new { queueId });
                return new ReplayedTasks(replayed.Count, more, waiting);
            },
            cancellationToken);
        dispatcher.Wake();
        return result;
    }

    // Skipped tasks whose other dependencies failed too are skipped again when the next of them ends.
    private static Task<int> WaitAgainAsync(UnitOfWork work, IReadOnlyList<string> replayed, DateTimeOffset now)
        => work.ExecuteAsync(
            """
            WITH RECURSIVE skipped (id) AS (
                SELECT t.id FROM queue_task_dependencies d JOIN queue_tasks t ON t.id = d.task_id WHERE d.depends_on = ANY(@replayed) AND t.status = 'skipped' AND NOT t.tree_cancelled
                UNION
                SELECT t.id FROM skipped s JOIN queue_task_dependencies d ON d.depends_on = s.id JOIN queue_tasks t ON t.id = d.task_id WHERE t.status = 'skipped' AND NOT t.tree_cancelled)
            UPDATE queue_tasks SET status = 'blocked', reason = NULL, error_kind = NULL, ended_at = NULL, unsettled = false, deduplication_key = NULL,
                ready_at = greatest(ready_at, @now), deadline_at = CASE WHEN deadline_at > @now THEN deadline_at END
            WHERE id IN (SELECT id FROM queue_tasks WHERE id IN (SELECT id FROM skipped) AND status = 'skipped' ORDER BY id LIMIT @MaxDependents FOR NO KEY UPDATE)
            """,
            new { replayed, now, MaxDependents });

    // The row as it is afterwards.
    private Task<QueueTaskRow> RequireOneAsync(QueueTaskRow task, string sql, object parameters, string step, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                if (await work.ExecuteAsync(sql, parameters) == 0)
                {
                    var status = await work.FindAsync<string>("SELECT status FROM queue_tasks WHERE id = @id", new { id = task.Id });
                    throw ApiException.IllegalTransition("task", status ?? "deleted", step);
                }

                return await work.SingleAsync<QueueTaskRow>($"SELECT {QueueTaskRow.Columns} FROM {QueueTaskRow.From} WHERE t.id = @id", new { id = task.Id });
            },
            cancellationToken);
}
