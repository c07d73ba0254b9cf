using AiPlatform.Hosting;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Prometheus;

namespace AiPlatform.Kernel.Http;

/// <summary><c>/health</c> (the process lives), <c>/health/ready</c> (it can serve requests) and <c>/metrics</c>.</summary>
public static class Health
{
    private const string Ready = "ready";

    /// <summary>Registers the checks.</summary>
    public static IServiceCollection AddHealth(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck<DatabaseCheck>("postgres", tags: [Ready]).AddCheck<StorageCheck>("containers", tags: [Ready]);
        return services;
    }

    /// <summary>Maps the routes.</summary>
    public static WebApplication MapHealthEndpoints(this WebApplication app)
    {
        // A degraded loop is shown and is still alive: restarting the process would not bring its server back.
        app.MapHealthChecks("/health", new HealthCheckOptions { Predicate = static check => !check.Tags.Contains(Ready), ResponseWriter = WriteAsync })
            .OpenToAnybody().WithoutDatabase();
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = static check => check.Tags.Contains(Ready), ResponseWriter = WriteAsync })
            .OpenToAnybody().WithoutDatabase();
        app.MapMetrics("/metrics").RequireBearer(app.Configuration[BearerEndpoints.MetricsToken]).OpenToAnybody().WithoutDatabase();
        return app;
    }

    // Names and states only: descriptions of exceptions may hold host names.
    private static Task WriteAsync(HttpContext context, HealthReport report)
        => context.Response.WriteAsJsonAsync(
            new HealthAnswer(Name(report.Status), report.Entries.ToDictionary(static entry => entry.Key, static entry => Name(entry.Value.Status))),
            context.RequestAborted);

    private static string Name(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };

    private sealed record HealthAnswer(string Status, Dictionary<string, string> Checks);

    private sealed class DatabaseCheck(Database database, StartupState state) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (!state.IsReady)
            {
                return HealthCheckResult.Unhealthy();
            }

            try
            {
                await using var command = database.Source.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (NpgsqlException)
            {
                return HealthCheckResult.Unhealthy();
            }
        }
    }

    // A client that is told to upload must find a container. Later outages of the storage are none of this instance's own.
    private sealed class StorageCheck(BlobContainers containers) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (containers.AreCreated)
            {
                return Task.FromResult(HealthCheckResult.Healthy());
            }

            // Somebody waits: no use in sleeping on after the storage has come.
            containers.Wake();
            return Task.FromResult(HealthCheckResult.Unhealthy());
        }
    }
}
