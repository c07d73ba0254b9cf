using AiPlatform.Contracts.Quality;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Quality;

/// <summary>Quality reports, as the sweep of lost orchestrations sees them. Cancelling one ends it at once.</summary>
internal sealed class OrchestratedReports(Database database, QualityWorkStore work) : IOrchestratedKind
{
    /// <inheritdoc />
    public string Orchestration => QualityReports.Orchestration;

    /// <inheritdoc />
    public Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
        => LiveResources.ListAsync(database, "quality_reports", "NULL::timestamptz", after, before, limit, cancellationToken);

    /// <inheritdoc />
    public Task EndAsync(string id, string reason, CancellationToken cancellationToken) => work.FailAsync(id, reason, cancellationToken);
}
