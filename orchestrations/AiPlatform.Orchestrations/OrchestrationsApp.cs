using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;
using AiPlatform.Orchestrations.Data;
using AiPlatform.Orchestrations.Maintenance;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Quality;
using AiPlatform.Orchestrations.Tasks;
using AiPlatform.Orchestrations.Training;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Prometheus;

namespace AiPlatform.Orchestrations;

/// <summary>The durable worker with a small HTTP surface for its health.</summary>
public static class OrchestrationsApp
{
    private const string ReadyTag = "ready";

    /// <summary>Builds the app; nothing is started.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args).AddTelemetry("orchestrations");
        var hub = builder.Configuration.GetConnectionString("TaskHub") ?? throw new MissingSettingException("ConnectionStrings:TaskHub");
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Services.AddHealthChecks().AddCheck<HubConnectionCheck>("task hub", tags: [ReadyTag]);
        builder.Services.AddPlatform(builder.Configuration).AddTraining().AddMaintenance().AddData().AddQuality();
        builder.Services.AddTaskWorkers(builder.Configuration);
        builder.Services.AddDurable(hub, static tasks => tasks.AddTraining().AddMaintenance().AddData().AddQuality());

        var app = builder.Build();
        app.MapHealthChecks("/health", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag) });
        app.MapMetrics().RequireBearer(app.Configuration[BearerEndpoints.MetricsToken]);
        return app;
    }
}
