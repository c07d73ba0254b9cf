using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.MLflow.Traces;

/// <summary>Deletes traces and scorers of experiments, and evaluation datasets of projects, that are purged.</summary>
internal sealed class TraceGarbage(Database database) : IGarbageSweep
{
    private const int BatchSize = 200;
    private const int MaxBatches = 50;

    /// <inheritdoc />
    public async Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken)
    {
        await SweepAsync(
            round,
            "traces",
            """
            DELETE FROM traces d WHERE (d.project_id, d.id) IN (
                SELECT t.project_id, t.id FROM experiments e JOIN traces t ON t.experiment_id = e.id WHERE e.purged_at IS NOT NULL LIMIT @BatchSize)
            """,
            cancellationToken);
        await SweepAsync(
            round,
            "scorers",
            """
            DELETE FROM scorers WHERE id IN (
                SELECT s.id FROM experiments e JOIN scorers s ON s.experiment_id = e.id WHERE e.purged_at IS NOT NULL LIMIT @BatchSize)
            """,
            cancellationToken);
        await SweepAsync(
            round,
            "evaluationDatasets",
            """
            DELETE FROM evaluation_datasets WHERE id IN (
                SELECT d.id FROM projects p JOIN evaluation_datasets d ON d.project_id = p.id WHERE p.purged_at IS NOT NULL LIMIT @BatchSize)
            """,
            cancellationToken);
    }

    private async Task SweepAsync(GarbageRound round, string kind, string sql, CancellationToken cancellationToken)
    {
        for (var batch = 0; batch < MaxBatches; batch++)
        {
            var deleted = await database.InWorkAsync(
                async work =>
                {
                    var count = await work.ExecuteAsync(sql, new { BatchSize });
                    await round.CountAsync(work, kind, count);
                    return count;
                },
                cancellationToken);
            if (deleted < BatchSize)
            {
                return;
            }
        }
    }
}
