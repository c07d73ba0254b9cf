using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.MLflow.Traces;

/// <summary>Deletes traces and scorers of experiments, and evaluation datasets of projects, that are purged.</summary>
internal sealed class TraceGarbage(Database database) : IGarbageSweep
{
    /// <inheritdoc />
    public async Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken)
    {
        await PurgedRows.DeleteAsync(
            database,
            round,
            "traces",
            $"""
            DELETE FROM traces d WHERE (d.project_id, d.id) IN (
                SELECT t.project_id, t.id FROM {TrackingRelations.Experiments} e JOIN traces t ON t.experiment_id = e.id WHERE e.purged_at IS NOT NULL LIMIT @BatchSize)
            """,
            cancellationToken);
        await PurgedRows.DeleteAsync(
            database,
            round,
            "scorers",
            $"""
            DELETE FROM scorers WHERE id IN (
                SELECT s.id FROM {TrackingRelations.Experiments} e JOIN scorers s ON s.experiment_id = e.id WHERE e.purged_at IS NOT NULL LIMIT @BatchSize)
            """,
            cancellationToken);
        await PurgedProjects.DeleteAsync(
            database, round, ("evaluationDatasets", "evaluation_datasets"), "JOIN evaluation_datasets t ON t.project_id = p.id", cancellationToken);
    }
}
