using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Data.Quality;

/// <summary>Deletes the quality reports, plans and imports of purged projects.</summary>
internal sealed class QualityGarbage(Database database) : IGarbageSweep
{
    /// <inheritdoc />
    public async Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken)
    {
        await DeleteAsync("qualityReports", "quality_reports", "JOIN quality_reports t ON t.project_id = p.id AND t.ended_at IS NOT NULL");
        await DeleteAsync("datasetImports", "dataset_imports", "JOIN dataset_imports t ON t.project_id = p.id AND t.ended_at IS NOT NULL");
        await DeleteAsync("qualityPlans", "quality_plans", "JOIN datasets d ON d.project_id = p.id JOIN quality_plans t ON t.dataset_id = d.id");

        // What is under way is ended by its orchestration first.
        Task DeleteAsync(string kind, string table, string joins) => PurgedProjects.DeleteAsync(database, round, (kind, table), joins, cancellationToken);
    }
}
