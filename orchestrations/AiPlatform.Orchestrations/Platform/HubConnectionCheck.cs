using AiPlatform.DurableTask.Worker;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>The worker is ready while it is connected to its task hub.</summary>
internal sealed class HubConnectionCheck(DurableTaskWorkerStatus status) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(status.IsConnected ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(status.Reason));
}
