using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Jobs;

/// <summary>Tells the jobs at the head of a pool's line that capacity may be free.</summary>
internal sealed class CapacitySignal(IOutbox outbox, IOptions<JobOptions> options)
{
    /// <summary>Raises <c>capacity</c> to the first jobs that asked and were refused, in the order in which they will be served.</summary>
    public async Task RaiseAsync(UnitOfWork work, string pool)
    {
        var waiting = await work.QueryAsync<string>(
            """
            SELECT id FROM jobs
            WHERE pool = @pool AND status IN ('pending', 'waiting', 'retrying') AND admission_asked_at IS NOT NULL
            ORDER BY priority, id LIMIT @limit
            """,
            new { pool, limit = options.Value.CapacityWakes });
        foreach (var job in waiting)
        {
            await outbox.EnqueueAsync(work, OutboxMessage.Raise(job, TrainingJobEvents.Capacity, pool));
        }
    }
}
