using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Operations.Lineage;

/// <summary>Deletes the lineage of purged projects: receivers with their secrets at once, events, edges and names in batches.</summary>
internal sealed class LineageGarbage(Database database) : IProjectPart, IGarbageSweep
{
    /// <inheritdoc />
    public Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt)
        => work.ExecuteAsync("DELETE FROM lineage_receivers WHERE project_id = @projectId", new { projectId });

    /// <inheritdoc />
    public async Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken)
    {
        foreach (var (kind, table) in new[] { ("openLineageEvents", "openlineage_events"), ("lineageEdges", "lineage_edges"), ("lineageNames", "lineage_external") })
        {
            await PurgedProjects.DeleteAsync(database, round, (kind, table), $"JOIN {table} t ON t.project_id = p.id", cancellationToken);
        }
    }
}
