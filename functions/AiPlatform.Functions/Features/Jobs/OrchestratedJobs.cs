using AiPlatform.Contracts.Jobs;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.Infrastructure.Orchestrated;
using Dapper;

namespace AiPlatform.Functions.Features.Jobs;

/// <summary>Jobs, as the sweep of lost orchestrations sees them.</summary>
internal sealed class OrchestratedJobs(Database database, JobLifecycle lifecycle) : IOrchestratedKind
{
    /// <inheritdoc />
    public string Orchestration => TrainingJobEvents.Orchestration;

    /// <inheritdoc />
    public async Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<LiveResource>(new CommandDefinition(
            """
            SELECT j.id, CASE WHEN j.status = 'cancelling' THEN j.updated_at END AS cancelling_since FROM jobs j
            WHERE j.ended_at IS NULL AND j.created_at < @before AND (@after::text IS NULL OR j.id > @after)
              AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.instance_id = j.id AND o.kind = 'start-orchestration' AND NOT o.parked)
            ORDER BY j.id LIMIT @limit
            """,
            new { after, before, limit },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <inheritdoc />
    public Task EndAsync(string id, string reason, CancellationToken cancellationToken) => lifecycle.AbandonAsync(id, reason, cancellationToken);
}
