using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Compute.Queues;

/// <summary>Deletes the queues of purged projects: schedules at once, so that nothing comes after, tasks and packages in batches.</summary>
internal sealed class QueueGarbage(Database database) : IProjectPart, IGarbageSweep
{
    /// <inheritdoc />
    public Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt)
        => work.ExecuteAsync("DELETE FROM queue_schedules s USING queues q WHERE q.project_id = @projectId AND s.queue_id = q.id", new { projectId });

    /// <inheritdoc />
    public async Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken)
    {
        await DeleteAsync("queueTasks", "queue_tasks", "JOIN queues q ON q.project_id = p.id JOIN queue_tasks t ON t.queue_id = q.id AND t.status <> 'running'");
        await DeleteAsync("taskPackages", "task_packages", "JOIN task_packages t ON t.project_id = p.id");
        await DeleteAsync("queueFlows", "queue_flows", "JOIN queues q ON q.project_id = p.id JOIN queue_flows t ON t.queue_id = q.id AND NOT EXISTS (SELECT 1 FROM queue_tasks k WHERE k.queue_id = q.id)");
        await DeleteAsync("queueShares", "queue_shares", "JOIN queue_shares t ON t.project_id = p.id");
        await DeleteAsync("queues", "queues", "JOIN queues t ON t.project_id = p.id AND NOT EXISTS (SELECT 1 FROM queue_tasks k WHERE k.queue_id = t.id)");

        Task DeleteAsync(string kind, string table, string joins) => PurgedProjects.DeleteAsync(database, round, (kind, table), joins, cancellationToken);
    }
}
