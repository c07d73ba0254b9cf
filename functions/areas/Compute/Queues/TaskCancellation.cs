using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>Cancels tasks: at once what does not run, by way of its worker what does.</summary>
internal sealed class TaskCancellation(Database database, TaskDispatcher dispatcher, TimeProvider time)
{
    private const int MaxTree = 100_000;

    /// <summary>Cancels a task or its tree; what has ended is left as it is.</summary>
    public async Task<CancelledTasks> CancelAsync(QueueTaskRow task, CancelTaskRequest request, CancellationToken cancellationToken)
    {
        var result = await database.InWorkAsync(
            async work =>
            {
                var ids = request.Tree ? await CloseTreeAsync(work, task.Id) : [task.Id];
                return await CancelAsync(work, ids, request.Reason);
            },
            cancellationToken);
        dispatcher.Wake();
        return result;
    }

    // Marked until nothing new is found: a submission that is under way holds its parent and is waited for, a later one sees the mark.
    private static async Task<List<string>> CloseTreeAsync(UnitOfWork work, string root)
    {
        var ids = await TreeAsync(work, root);
        while (true)
        {
            await work.ExecuteAsync(
                """
                UPDATE queue_tasks SET tree_cancelled = true
                WHERE id IN (SELECT id FROM queue_tasks WHERE id = ANY(@ids) AND NOT tree_cancelled ORDER BY id FOR NO KEY UPDATE)
                """,
                new { ids });
            var grown = await TreeAsync(work, root);
            if (grown.Count <= ids.Count)
            {
                return grown;
            }

            ids = grown;
        }
    }

    private static Task<List<string>> TreeAsync(UnitOfWork work, string root)
        => work.QueryAsync<string>(
            """
            WITH RECURSIVE tree (id) AS (
                SELECT @root::text COLLATE "C"
                UNION
                SELECT n.id FROM tree CROSS JOIN LATERAL (
                    SELECT d.task_id AS id FROM queue_task_dependencies d WHERE d.depends_on = tree.id
                    UNION ALL
                    SELECT c.id FROM queue_tasks c WHERE c.parent_id = tree.id) n)
            SELECT id FROM tree LIMIT @MaxTree
            """,
            new { root, MaxTree });

    private async Task<CancelledTasks> CancelAsync(UnitOfWork work, List<string> ids, string? reason)
    {
        var rows = await work.QueryAsync<CancelRow>(
            """
            SELECT id, flow_id, queue_id, concurrency_key, status FROM queue_tasks
            WHERE id = ANY(@ids) AND status NOT IN ('succeeded', 'deadLettered', 'cancelled', 'skipped') ORDER BY id FOR NO KEY UPDATE
            """,
            new { ids });
        var running = rows.Where(static row => row.Status == QueueTaskStatus.Running).Select(static row => row.Id).ToArray();
        var waiting = rows.Where(static row => row.Status != QueueTaskStatus.Running).ToList();
        await work.ExecuteAsync(
            """
            UPDATE queue_tasks SET cancel_requested = true, reason = @reason WHERE id = ANY(@running);
            UPDATE queue_tasks SET status = 'cancelled', reason = @reason, ended_at = @now, lease_until = NULL, unsettled = has_dependents WHERE id = ANY(@waiting)
            """,
            new { running, waiting = waiting.Select(static row => row.Id).ToArray(), reason = reason ?? "cancelled", now = time.GetUtcNow() });

        var released = waiting.Where(static row => row.Status == QueueTaskStatus.Queued).ToList();
        await DispatchStore.CountAsync(work, released.CountBy(static row => row.FlowId).Select(static flow => (flow.Key, -flow.Value)));
        await TaskOutcomes.ReleaseKeysAsync(work, released.Select(static row => new EndedRow { Id = row.Id, QueueId = row.QueueId, ConcurrencyKey = row.ConcurrencyKey }));
        return new CancelledTasks(waiting.Count, running.Length);
    }

    private sealed class CancelRow
    {
        public required string Id { get; init; }

        public long FlowId { get; init; }

        public long QueueId { get; init; }

        public string? ConcurrencyKey { get; init; }

        public QueueTaskStatus Status { get; init; }
    }
}
