using AiPlatform.Contracts.Quality;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.Infrastructure.Orchestrated;
using Dapper;

namespace AiPlatform.Functions.Features.Quality;

/// <summary>Quality reports, as the sweep of lost orchestrations sees them. Cancelling one ends it at once.</summary>
internal sealed class OrchestratedReports(Database database, QualityWorkStore work) : IOrchestratedKind
{
    /// <inheritdoc />
    public string Orchestration => QualityReports.Orchestration;

    /// <inheritdoc />
    public async Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<LiveResource>(new CommandDefinition(
            """
            SELECT r.id FROM quality_reports r
            WHERE r.ended_at IS NULL AND r.created_at < @before AND (@after::text IS NULL OR r.id > @after)
              AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.instance_id = r.id AND o.kind = 'start-orchestration' AND NOT o.parked)
            ORDER BY r.id LIMIT @limit
            """,
            new { after, before, limit },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <inheritdoc />
    public Task EndAsync(string id, string reason, CancellationToken cancellationToken) => work.FailAsync(id, reason, cancellationToken);
}
