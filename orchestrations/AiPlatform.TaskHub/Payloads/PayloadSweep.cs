using AiPlatform.TaskHub.Engine;

namespace AiPlatform.TaskHub.Payloads;

/// <summary>
/// Removes blobs that no row names: their instances were purged or continued as new, or the call that stored them was not carried out.
/// Each process sweeps its own partitions, and asks on the writer's connection, after everything that was decided before is durable;
/// a blob that is older than the grace and not named then can never be named again.
/// </summary>
internal sealed class PayloadSweep(PayloadStore store, TimeProvider time, ILogger logger)
{
    /// <summary>Sweeps once.</summary>
    public async Task RunAsync(HubEngine engine, TimeSpan grace, CancellationToken cancellationToken)
    {
        var removed = 0;
        foreach (var partition in engine.Partitions.Owned)
        {
            await foreach (var page in store.OlderThanAsync(partition, time.GetUtcNow() - grace, cancellationToken))
            {
                foreach (var blob in await engine.UnnamedPayloadsAsync(page, cancellationToken))
                {
                    await store.DeleteAsync(blob, cancellationToken);
                    removed++;
                }
            }
        }

        if (removed > 0)
        {
            Metrics.PayloadsRemoved.Inc(removed);
            Logs.PayloadsRemoved(logger, removed);
        }
    }
}
