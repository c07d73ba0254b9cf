using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Servers of the platform that run in the process of the tests.</summary>
public static class HostedServers
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    /// <summary>Starts a server and waits until it serves: the broker and the task hub listen only once they own their tables.</summary>
    public static async Task StartReadyAsync(this WebApplication app)
    {
        await app.StartAsync();
        var health = app.Services.GetRequiredService<HealthCheckService>();
        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync()).Status == HealthStatus.Healthy, "the server is ready", Deadline);
    }
}
