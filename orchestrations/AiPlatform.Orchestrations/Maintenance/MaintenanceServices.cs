using AiPlatform.Orchestrations.Maintenance.Activities;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Maintenance;

/// <summary>Registers the upkeep of the task hub.</summary>
public static class MaintenanceServices
{
    /// <summary>Adds the options, and the service that starts the schedule.</summary>
    public static IServiceCollection AddMaintenance(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddHostedService<RetentionStarter>();
    }

    /// <summary>Adds the orchestrator and its activity.</summary>
    public static DurableTaskRegistry AddMaintenance(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<InstanceRetention>()
        .AddPlatformActivity<PurgeEndedInstances>();
}
