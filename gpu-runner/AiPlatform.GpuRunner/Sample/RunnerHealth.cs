using AiPlatform.GpuRunner.Lease;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AiPlatform.GpuRunner.Sample;

/// <summary>Ready: registered, and in contact with the platform.</summary>
internal sealed class RunnerHealth(Registration registration, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!registration.Registered.IsCompletedSuccessfully)
        {
            return Task.FromResult(HealthCheckResult.Unhealthy("The runner is not registered yet."));
        }

        var silence = time.GetUtcNow() - registration.LastContact;
        return Task.FromResult(silence < Silence
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"The platform has not answered for {silence.TotalSeconds:0} s."));
    }
}
