using AiPlatform.Hosting.TaskHubs;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>The worker is ready while it is connected to its task hub.</summary>
internal sealed class HubConnectionCheck(TaskHubWorkerLink link) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(link.IsConnected ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(link.Reason));
}
