using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>Decides about the tasks that waited for tasks that have ended. What it skips ends too, and is settled in the next round.</summary>
internal sealed class DependencySettler(TimeProvider time)
{
    private const int MaxEnded = 200;
    private const int MaxDependents = 5_000;

    /// <summary>Settles a bounded number of ended tasks; true when there were any.</summary>
    public async Task<bool> SettleAsync(UnitOfWork work)
    {
        var ended = await work.QueryAsync<string>(
            "SELECT id FROM queue_tasks WHERE unsettled ORDER BY id LIMIT @MaxEnded FOR NO KEY UPDATE SKIP LOCKED", new { MaxEnded });
        if (ended.Count > 0)
        {
            await SettleAsync(work, ended);
        }

        return ended.Count > 0;
    }

    /// <summary>Settles ended tasks whose rows the transaction holds.</summary>
    public async Task SettleAsync(UnitOfWork work, IReadOnlyList<string> ended)
    {
        string? last = null;
        do
        {
            last = await SettlePageAsync(work, ended, last);
        }
        while (last is not null);
        await work.ExecuteAsync("UPDATE queue_tasks SET unsettled = false WHERE id = ANY(@ended)", new { ended });
    }

    // The dependents are locked before the states are read: of two dependencies that end at once, one sees the other.
    private async Task<string?> SettlePageAsync(UnitOfWork work, IReadOnlyList<string> ended, string? after)
    {
        var dependents = await work.QueryAsync<DependentRow>(
            """
            SELECT t.id, t.dependency_mode FROM queue_tasks t
            WHERE t.id IN (SELECT task_id FROM queue_task_dependencies WHERE depends_on = ANY(@ended)) AND t.status = 'blocked' AND t.id > @after
            ORDER BY t.id LIMIT @MaxDependents FOR NO KEY UPDATE
            """,
            new { ended, after = after ?? string.Empty, MaxDependents });
        if (dependents.Count == 0)
        {
            return null;
        }

        var states = (await work.QueryAsync<StateRow>(
            """
            SELECT DISTINCT d.task_id, t.status FROM queue_task_dependencies d JOIN queue_tasks t ON t.id = d.depends_on
            WHERE d.task_id = ANY(@ids)
            """,
            new { ids = dependents.ConvertAll(static row => row.Id) })).ToLookup(static row => row.TaskId, static row => row.Status);
        var verdicts = dependents.ToLookup(row => DependencyRule.Decide(row.DependencyMode, [.. states[row.Id]]), static row => row.Id);
        await work.ExecuteAsync(
            """
            UPDATE queue_tasks SET status = CASE WHEN ready_at > @now THEN 'scheduled' ELSE 'ready' END, ready_at = greatest(ready_at, @now)
            WHERE id = ANY(@run);
            UPDATE queue_tasks SET status = 'skipped', reason = 'dependency', ended_at = @now, unsettled = has_dependents WHERE id = ANY(@skip)
            """,
            new { now = time.GetUtcNow(), run = verdicts[DependencyVerdict.Run].ToArray(), skip = verdicts[DependencyVerdict.Skip].ToArray() });
        return dependents.Count == MaxDependents ? dependents[^1].Id : null;
    }

    private sealed class DependentRow
    {
        public required string Id { get; init; }

        public DependencyMode DependencyMode { get; init; }
    }

    private sealed class StateRow
    {
        public required string TaskId { get; init; }

        public QueueTaskStatus Status { get; init; }
    }
}
