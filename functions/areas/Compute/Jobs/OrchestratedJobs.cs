using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Jobs;

/// <summary>Jobs, as the sweep of lost orchestrations sees them.</summary>
internal sealed class OrchestratedJobs(Database database, JobLifecycle lifecycle) : IOrchestratedKind
{
    /// <inheritdoc />
    public string Orchestration => TrainingJobEvents.Orchestration;

    /// <inheritdoc />
    public Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
        => LiveResources.ListAsync(database, "jobs", "CASE WHEN t.status = 'cancelling' THEN t.updated_at END", after, before, limit, cancellationToken);

    /// <inheritdoc />
    public Task EndAsync(string id, string reason, CancellationToken cancellationToken) => lifecycle.AbandonAsync(id, reason, cancellationToken);
}
