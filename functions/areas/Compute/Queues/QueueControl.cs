using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Changes a queue and lets the dispatcher look at once.</summary>
internal sealed class QueueControl(QueueStore store, TaskDispatcher dispatcher, IOptions<JobOptions> jobs)
{
    /// <summary>Makes the change; the queue need not have been used before.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<TaskQueue> ChangeAsync(
        string pool, Func<QueueStore, Task<QueueRow>> change, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        var row = await change(store);
        dispatcher.Wake();
        return row.ToContract(await store.CountAsync(row.Id, cancellationToken));
    }
}
